"""The options of a rebalance, with what holds where a request does not say. Pure."""

from dataclasses import dataclass
from decimal import Decimal

HOLD, LEAVE_OUT, TRADE = "hold", "leave_out", "trade"
ESTIMATED_PRICES = (HOLD, LEAVE_OUT, TRADE)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a request. Money is in the account's currency.

    estimated_prices: what to do with holdings whose price is an estimate. By default they are held:
    their value is near enough to weigh the others against, but no order follows from it.
    """

    minimum_trade: Decimal = Decimal(10)
    cash_floor: Decimal = Decimal(0)
    brokerage_fee: Decimal = Decimal(0)
    whole_shares: bool = False
    loss_harvesting: bool = False
    estimated_prices: str = HOLD
