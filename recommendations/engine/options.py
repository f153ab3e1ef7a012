"""The options of a rebalance, with what holds where a request does not say. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from core.money import plain

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


def options_json(options: Any) -> dict[str, Any]:
    """Return the options of a rebalance or a harvest as JSON types, amounts as text."""
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in asdict(options).items()
    }


def options_of(data: Mapping[str, Any]) -> Options:
    """Return the options of their JSON form; names of other things are ignored."""
    return Options(
        minimum_trade=Decimal(data["minimum_trade"]),
        cash_floor=Decimal(data["cash_floor"]),
        brokerage_fee=Decimal(data["brokerage_fee"]),
        whole_shares=data["whole_shares"],
        loss_harvesting=data["loss_harvesting"],
        estimated_prices=data.get("estimated_prices", HOLD),
    )
