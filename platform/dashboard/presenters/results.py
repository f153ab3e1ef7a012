"""The result of a rebalance as its page shows it. Pure.

turnover   sum of the trades' values, purchases and sales
left       weight after - target, in percentage points
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.result import RebalanceResult, Trade

HUNDRED = Decimal(100)
# The reason of what needs no trade (`recommendations.engine.reasons`).
_IN_BAND = "within_band"


@dataclass(frozen=True, slots=True)
class WeightChange:
    """One holding's weight in percent before and after the trades."""

    symbol: str
    target: Decimal
    before: Decimal
    after: Decimal
    left: Decimal
    why: str = ""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """What the trades use of one limit, in its own unit; kept: whether they keep it."""

    label: str
    used: Decimal
    limit: Decimal
    is_share: bool
    kept: bool


_LIMITS = {
    "drift": "Accepted drift",
    "turnover": "Turnover, of the budget left",
    "gain": "Gains, of the budget left",
}
# A holding this close to its target, in percentage points, needs no explanation.
_AT_TARGET = Decimal("0.05")


def in_order(result: RebalanceResult) -> list[Trade]:
    """Return the trades in the order to place them: sales first, then the largest first."""
    return sorted(result.trades, key=lambda trade: (trade.side != "sell", -trade.value))


def turnover(result: RebalanceResult) -> Decimal:
    """Return the total value of the trades, in the account's currency."""
    return sum((trade.value for trade in result.trades), Decimal(0))


def outside(result: RebalanceResult) -> list[str]:
    """Return the securities that are off their targets and were not traded for another reason."""
    off = {row.symbol for row in result.before.securities if row.drift != 0}
    return [row.symbol for row in result.skipped if row.reason != _IN_BAND and row.symbol in off]


def before_and_after(result: RebalanceResult) -> list[WeightChange]:
    """Return the weights of every security and of cash, the largest target first."""
    first, last = result.before, result.after
    after = {row.symbol: row.weight for row in last.securities}
    reasons = {trade.symbol: trade.explanation for trade in result.trades}
    reasons |= {row.symbol: row.explanation for row in result.skipped}
    changes = [
        _change(row.symbol, row.target_weight, row.weight, after[row.symbol], reasons)
        for row in first.securities
    ]
    changes.sort(key=lambda change: (-change.target, change.symbol))
    cash = _change("Cash", first.cash_target_weight, first.cash_weight, last.cash_weight, {})
    return [*changes, cash]


def limit_lines(result: RebalanceResult) -> list[LimitLine]:
    """Return the limits of the run with what the trades use of them."""
    return [
        LimitLine(
            _LIMITS[use.name],
            use.used * HUNDRED if use.name == "drift" else use.used,
            use.limit * HUNDRED if use.name == "drift" else use.limit,
            use.name == "drift",
            use.kept,
        )
        for use in result.limits
    ]


def _change(
    symbol: str, target: Decimal, before: Decimal, after: Decimal, reasons: Mapping[str, str]
) -> WeightChange:
    aim, first, last = (value * HUNDRED for value in (target, before, after))
    why = "" if abs(last - aim) < _AT_TARGET else reasons.get(symbol, "")
    return WeightChange(symbol, aim, first, last, last - aim, why)
