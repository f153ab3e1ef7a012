"""One order of a round trip, priced as the rebalancing engine prices its trades. Pure.

    sale       amount = quantity x price; costs: half spread, SEC fee, TAF, brokerage fee
    purchase   amount = quantity x price; costs: half spread, brokerage fee

A round trip has four orders: the loss is sold and the replacement bought today; on the first clean
day the replacement is sold and the original bought back. The second pair is priced at today's
prices with the fee tables of its own day.

Worked example, 2026-06-01: 100 shares at 40.00, half spread 5 bp, replacement half spread 5 bp, no
brokerage fee. Sale: spread 2.00, SEC 4,000 x 20.60 / 1e6 = 0.08, TAF 0.0195 -> 0.02: 2.10. Purchase
of the replacement for 3,997.90: 2.00. Back: sale 2.10, purchase 2.00. In all 8.20.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from recommendations.engine.fees import sale_fees, sec_fee, trading_activity_fee
from recommendations.engine.problem import ONE, ZERO, Security
from recommendations.engine.program import BASIS_POINTS
from recommendations.engine.trades import QUANTITY_STEP, stated


@dataclass(frozen=True, slots=True)
class Leg:
    """One order. amount, fee: in the security's currency; the rest in the account's."""

    quantity: Decimal
    amount: Decimal
    fee: Decimal
    value: Decimal
    spread_cost: Decimal
    fees: Decimal

    @property
    def cost(self) -> Decimal:
        return self.spread_cost + self.fees


def sale(*, security: Security, quantity: Decimal, brokerage: Decimal, on: date, home: str) -> Leg:
    """Return the sale of `quantity` > 0 units on a day, in an account of the currency `home`."""
    value = quantity * security.priced_at
    fees = sale_fees(market=security.fee_market, as_of=on).converted(security.fx_rate)
    costs = (
        _spread(security, value),
        sec_fee(fees=fees, value=value),
        trading_activity_fee(fees=fees, quantity=quantity),
        brokerage,
    )
    money = stated(home=home, security=security, sold=quantity, costs=costs)
    return Leg(quantity, *money)


def purchase(*, security: Security, quantity: Decimal, brokerage: Decimal, home: str) -> Leg:
    """Return the purchase of `quantity` > 0 units in an account of the currency `home`."""
    value = quantity * security.priced_at
    costs = (_spread(security, value), brokerage)
    money = stated(home=home, security=security, sold=-quantity, costs=costs)
    return Leg(quantity, *money)


def affordable(
    *, security: Security, cash: Decimal, brokerage: Decimal, whole: bool, home: str
) -> Leg | None:
    """Return the largest purchase that `cash` pays with its costs; None if it is not one unit.

    Whole shares if `whole`, else units of six decimals.
    """
    step = ONE if whole or not security.fractional else QUANTITY_STEP
    each = security.priced_at * (ONE + security.half_spread_bp / BASIS_POINTS)
    quantity = max(ZERO, (cash - brokerage) / each) // step * step
    while quantity > 0:
        leg = purchase(security=security, quantity=quantity, brokerage=brokerage, home=home)
        if leg.value + leg.cost <= cash:
            return leg
        # Rounding to cents took more than the rest of a step: give back what is missing.
        missing = leg.value + leg.cost - cash
        quantity = max(ZERO, quantity - max(step, missing / each // step * step + step))
    return None


def _spread(security: Security, value: Decimal) -> Decimal:
    return value * security.half_spread_bp / BASIS_POINTS
