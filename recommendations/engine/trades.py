"""Conversion of the solver's floats to orders that add up to the cent.

    sale      amount = quantity x price, fee = half spread + SEC fee + TAF + brokerage fee
              lots: the lines the ledger would write of it (`sale_lines`)
    purchase  amount = quantity x price, fee = half spread + brokerage fee
    cash      before + sum (value - cost) sold - sum (value + cost) bought >= floor, exactly

Amount and fee are whole minor units of the security's currency, as its broker states them. The
ledger converts their sum or difference once, so value = amount converted, and cost = the rest of
the cash effect. In one currency these are amount and fee.

Sales are rounded up and purchases down (six decimals, or whole shares), so rounding leaves cash,
not debt. If cents of fees still take cash below the floor, the largest purchase is reduced.

Worked example: 10 of a lot of 40 (basis 2,000) sold at 60.00, half spread 5 bp, no fees, rate 15 %:
value 600.00, cost 0.30, proceeds 599.70, basis 500.00, gain 99.70, tax 14.96 (14.955 rounded).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from core.money import converted, minor_unit, quantize
from recommendations.engine.fees import sec_fee, trading_activity_fee
from recommendations.engine.hulls import TURNOVER, Item
from recommendations.engine.problem import ONE, ZERO, Lot, RebalanceInputs, Security
from recommendations.engine.program import BASIS_POINTS, fees_of, is_whole, lot_rate
from recommendations.engine.relaxation import Program
from recommendations.engine.result import TradeLot
from recommendations.engine.sale_lines import sale_lines
from recommendations.engine.solver import CashFloorUnreachable, Solution

QUANTITY_STEP = Decimal("0.000001")
# A float this close to a step counts as that step; the difference is worth far less than a step.
_STEP_NOISE = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade priced exactly. `sold` is negative for a purchase; `parts` are the lots it takes.

    amount, fee: in the security's currency; value, spread_cost, fees: in the account's.
    net_exact, objective: the unrounded cash effect and the solver's cost (tax, cost, turnover)
    behind the rounded money; lots: the lines the ledger would write, of finished fills only.
    """

    index: int
    sold: Decimal
    amount: Decimal
    fee: Decimal
    value: Decimal
    spread_cost: Decimal
    fees: Decimal
    parts: tuple[tuple[Lot, Decimal], ...]
    net_exact: float
    objective: float
    lots: tuple[TradeLot, ...] = ()

    @property
    def cost(self) -> Decimal:
        return self.spread_cost + self.fees

    @property
    def cash_effect(self) -> Decimal:
        return (self.value if self.sold > 0 else -self.value) - self.cost

    @property
    def tax(self) -> Decimal:
        return sum((lot.estimated_tax for lot in self.lots), ZERO)


def fills(*, inputs: RebalanceInputs, program: Program, solution: Solution) -> tuple[Fill, ...]:
    """Return the solution's rounded trades in the order of the securities; cash >= floor.

    Raises CashFloorUnreachable if no change of trades can cover the rounding.
    """
    found: dict[int, Fill] = {}
    for i in range(len(solution.shares)):
        sold = _rounded(inputs, program.items[i], i, solution)
        if sold:
            found[i] = _fill(inputs, program.items[i], i, sold, solution.without_losses[i])
    cash = inputs.cash + sum((fill.cash_effect for fill in found.values()), ZERO)
    if cash < inputs.cash_floor:
        _give_back(inputs, program, solution, found, inputs.cash_floor - cash)
    return _with_lines(inputs, found)


def priced(
    *, inputs: RebalanceInputs, program: Program, solution: Solution, sold: Mapping[int, Decimal]
) -> tuple[Fill, ...]:
    """Return the fills of whole orders that were made before: `sold` by place, negative if bought.

    Raises AssertionError if they sell more than is held or leave less than the cash floor.
    """
    found = {
        i: _fill(inputs, program.items[i], i, quantity, solution.without_losses[i])
        for i, quantity in sold.items()
    }
    cash = inputs.cash + sum((fill.cash_effect for fill in found.values()), ZERO)
    assert cash >= inputs.cash_floor or not found, "orders leave the cash floor"
    return _with_lines(inputs, found)


def _with_lines(inputs: RebalanceInputs, found: Mapping[int, Fill]) -> tuple[Fill, ...]:
    """Return the fills in the order of the securities, with the ledger's lines of the sales."""
    sales = {i: (fill.parts, fill.cash_effect) for i, fill in found.items() if fill.sold > 0}
    lines = sale_lines(inputs=inputs, sold=sales)
    return tuple(replace(found[i], lots=lines.get(i, ())) for i in sorted(found))


def _step(inputs: RebalanceInputs, security: Security) -> Decimal:
    return ONE if is_whole(security=security, settings=inputs.settings) else QUANTITY_STEP


def _rounded(inputs: RebalanceInputs, item: Item, i: int, solution: Solution) -> Decimal:
    """Return the solver's shares in whole steps: sales up (at most all), purchases down."""
    shares = solution.shares[i]
    if not shares:
        return ZERO
    security = inputs.securities[i]
    step = _step(inputs, security)
    rounded = (Decimal(shares) / step - _STEP_NOISE).to_integral_value(ROUND_CEILING) * step
    if shares < 0:
        return rounded
    most = _sellable(security, item, step, solution.without_losses[i])
    # A remainder smaller than a step could never be sold later, so it is sold too.
    return most if rounded > most - step else rounded


def _fill(inputs: RebalanceInputs, item: Item, i: int, sold: Decimal, without_losses: bool) -> Fill:
    security = inputs.securities[i]
    quantity = abs(sold)
    value = quantity * security.priced_at
    spread = value * security.half_spread_bp / BASIS_POINTS
    brokerage = inputs.settings.brokerage_fee
    sec = taf = ZERO
    if sold > 0:
        fees = fees_of(security=security, inputs=inputs)
        sec = sec_fee(fees=fees, value=value)
        taf = trading_activity_fee(fees=fees, quantity=quantity)
    cost = spread + sec + taf + brokerage
    money = stated(
        home=inputs.currency, security=security, sold=sold, costs=(spread, sec, taf, brokerage)
    )
    parts: tuple[tuple[Lot, Decimal], ...] = ()
    tax = ZERO
    if sold > 0:
        parts = _lots_taken(security, item, quantity, without_losses)
        tax = _tax_exact(inputs, parts, value - cost, item.washed)
    objective = float(tax + cost) + TURNOVER * float(value)
    net_exact = float((value if sold > 0 else -value) - cost)
    return Fill(
        index=i,
        sold=sold,
        amount=money.amount,
        fee=money.fee,
        value=money.value,
        spread_cost=money.spread_cost,
        fees=money.fees,
        parts=parts,
        net_exact=net_exact,
        objective=objective,
    )


class Stated(NamedTuple):
    """The rounded money of one trade, as a `Fill` names it."""

    amount: Decimal
    fee: Decimal
    value: Decimal
    spread_cost: Decimal
    fees: Decimal


def stated(*, home: str, security: Security, sold: Decimal, costs: Sequence[Decimal]) -> Stated:
    """Return the money of a trade in an account of the currency `home`.

    sold: units, negative for a purchase; costs, the spread first: in the account's currency.
    """
    currency = security.currency or home
    rate = security.fx_rate
    amount = quantize(abs(sold) * security.traded_at, currency)
    spread, *fees = (quantize(cost / rate, currency) for cost in costs)
    fee = spread + sum(fees, ZERO)
    value = converted(amount, rate, home)
    if sold > 0:
        cost = value - converted(amount - fee, rate, home)
    else:
        cost = converted(amount + fee, rate, home) - value
    charged = min(cost, converted(fee - spread, rate, home))
    return Stated(amount, fee, value, cost - charged, charged)


def _lots_taken(
    security: Security, item: Item, quantity: Decimal, without_losses: bool
) -> tuple[tuple[Lot, Decimal], ...]:
    """Return the lots of a sale of `quantity`, lowest tax per dollar first."""
    parts = []
    left = quantity
    for index in _selling_order(item, without_losses):
        if left <= 0:
            break
        lot = security.lots[index]
        taken = min(left, lot.quantity)
        parts.append((lot, taken))
        left -= taken
    assert left == 0, "no more is sold than is held"
    return tuple(parts)


def _selling_order(item: Item, without_losses: bool) -> tuple[int, ...]:
    """Return the places of the lots among those of the security, each once."""
    kept = (lot.index for lot in item.lots if not (without_losses and lot.is_loss))
    return tuple(dict.fromkeys(kept))


def _tax_exact(
    inputs: RebalanceInputs, parts: Sequence[tuple[Lot, Decimal]], net: Decimal, washed: float
) -> Decimal:
    """Return the solver's unrounded tax. Wanted losses count, but not the first `washed` shares."""
    sold = sum((quantity for _, quantity in parts), ZERO)
    left = Decimal(washed)
    tax = ZERO
    for lot, quantity in parts:
        gain = net * quantity / sold - lot.cost_basis * quantity / lot.quantity
        rate = lot_rate(lot=lot, inputs=inputs)
        if gain > 0:
            tax += rate * gain
        elif inputs.settings.loss_harvesting:
            taken = min(left, quantity) if lot.washable else ZERO
            left -= taken
            tax += rate * gain * (quantity - taken) / quantity
    return tax


def _give_back(
    inputs: RebalanceInputs,
    program: Program,
    solution: Solution,
    found: dict[int, Fill],
    missing: Decimal,
) -> None:
    """Raise the `missing` cash by smaller purchases, largest first, then by larger sales.

    The second pass raises four minor units more, of the account's currency and of the trade's:
    rounding one trade's own amounts can cost that.
    """
    for units in (0, 4):
        for i in sorted(found, key=lambda i: (found[i].sold > 0, -found[i].value, i)):
            if missing <= 0:
                return
            before = found[i].cash_effect
            security = inputs.securities[i]
            unit = minor_unit(security.currency or inputs.currency) * security.fx_rate
            cushion = units * max(unit, minor_unit(inputs.currency))
            sold = _moved_towards_cash(inputs, program, solution, found[i], missing + cushion)
            after = ZERO
            if sold:
                without_losses = solution.without_losses[i]
                found[i] = _fill(inputs, program.items[i], i, sold, without_losses)
                after = found[i].cash_effect
            else:
                del found[i]
            missing -= after - before
    if missing > 0:
        raise CashFloorUnreachable(
            f"After rounding, {missing} {inputs.currency} is missing for the cash floor. Lower it."
        )


def _moved_towards_cash(
    inputs: RebalanceInputs, program: Program, solution: Solution, fill: Fill, wanted: Decimal
) -> Decimal:
    """Return the quantity sold (negative: bought) that raises about `wanted` more, if possible."""
    security, item = inputs.securities[fill.index], program.items[fill.index]
    step = _step(inputs, security)
    sold = fill.sold + (wanted / security.priced_at / step).to_integral_value(ROUND_CEILING) * step
    if fill.sold > 0:
        most = _sellable(security, item, step, solution.without_losses[fill.index])
        return min(sold + step, most)
    return sold if -sold >= Decimal(item.minimum_shares) and sold < 0 else ZERO


def _sellable(security: Security, item: Item, step: Decimal, without_losses: bool) -> Decimal:
    kept = (security.lots[index].quantity for index in _selling_order(item, without_losses))
    total = sum(kept, ZERO)
    return total if step == QUANTITY_STEP else total // step * step
