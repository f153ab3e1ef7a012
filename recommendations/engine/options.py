"""The options of a rebalance, with what holds where a request does not say. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from core.money import plain
from portfolios.holdings.policies import FULL, Policy

HOLD, LEAVE_OUT, TRADE = "hold", "leave_out", "trade"
ESTIMATED_PRICES = (HOLD, LEAVE_OUT, TRADE)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a request. Money is in the account's currency.

    estimated_prices: what to do with holdings whose price is an estimate. By default they are held:
    their value is near enough to weigh the others against, but no order follows from it.
    cash_policy: whether holdings may be sold at all. minimum_holding_days: younger lots are not
    sold. turnover_budget, gain_budget: of the calendar year; what the ledger has of the year counts
    against them. leave_out: symbols whose value and target do not count. drift_limit: the share of
    the account that may stay out of place, in place of the bands.
    """

    minimum_trade: Decimal = Decimal(10)
    cash_floor: Decimal = Decimal(0)
    brokerage_fee: Decimal = Decimal(0)
    whole_shares: bool = False
    loss_harvesting: bool = False
    estimated_prices: str = HOLD
    cash_policy: str = FULL
    minimum_holding_days: int = 0
    turnover_budget: Decimal | None = None
    gain_budget: Decimal | None = None
    leave_out: tuple[str, ...] = ()
    drift_limit: Decimal | None = None

    def __post_init__(self) -> None:
        if self.drift_limit is not None and not 0 <= self.drift_limit <= 1:
            raise InvalidInput(
                "drift_limit must be a fraction from 0 to 1, such as 0.02.",
                code="drift_limit_out_of_range",
                fields={"drift_limit": ["must be from 0 to 1"]},
            )


def with_rules(options: Options, policy: Policy) -> Options:
    """Return the options of a night for an account: its own rules, with the larger cash floor."""
    rules = {field.name: getattr(policy, field.name) for field in fields(policy)}
    rules["cash_floor"] = max(policy.cash_floor, options.cash_floor)
    return replace(options, **rules)


def under(policy: Policy, given: Mapping[str, Any]) -> Options:
    """Return the options of a request: what it says, else what the account's rules say."""
    rules = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return Options(**{**rules, **given})


def options_json(options: Any) -> dict[str, Any]:
    """Return the options of a rebalance or a harvest as JSON types, amounts as text."""
    return {
        name: plain(value)
        if isinstance(value, Decimal)
        else list(value)
        if isinstance(value, tuple)
        else value
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
        cash_policy=data.get("cash_policy", FULL),
        minimum_holding_days=data.get("minimum_holding_days", 0),
        turnover_budget=_optional(data, "turnover_budget"),
        gain_budget=_optional(data, "gain_budget"),
        leave_out=tuple(data.get("leave_out", ())),
        drift_limit=_optional(data, "drift_limit"),
    )


def _optional(data: Mapping[str, Any], name: str) -> Decimal | None:
    value = data.get(name)
    return None if value is None else Decimal(value)
