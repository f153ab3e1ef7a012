"""The result of a rebalance as its page shows it. Pure.

turnover   sum of the trades' values, purchases and sales
left       weight after - target, in percentage points
"""

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
    changes = [
        _change(row.symbol, row.target_weight, row.weight, after[row.symbol])
        for row in first.securities
    ]
    changes.sort(key=lambda change: (-change.target, change.symbol))
    cash = _change("Cash", first.cash_target_weight, first.cash_weight, last.cash_weight)
    return [*changes, cash]


def _change(symbol: str, target: Decimal, before: Decimal, after: Decimal) -> WeightChange:
    aim, first, last = (value * HUNDRED for value in (target, before, after))
    return WeightChange(symbol, aim, first, last, last - aim)
