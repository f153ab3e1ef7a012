"""A stored rebalance result as the result page shows it. Pure.

turnover   sum of the trades' values, purchases and sales
left       weight after - target, in percentage points
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class WeightChange:
    """One holding's weight in percent before and after the trades."""

    symbol: str
    target: Decimal
    before: Decimal
    after: Decimal
    left: Decimal


def in_order(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the trades in the order of placing them: sales first, the largest first."""
    return sorted(
        result["trades"], key=lambda trade: (trade["side"] != "sell", -Decimal(trade["value"]))
    )


def turnover(result: Mapping[str, Any]) -> Decimal:
    """Return the traded value, in the account's currency."""
    return sum((Decimal(trade["value"]) for trade in result["trades"]), Decimal(0))


def before_and_after(result: Mapping[str, Any]) -> list[WeightChange]:
    """Return the weights of every security and of cash, largest target first."""
    after = {row["symbol"]: Decimal(row["weight"]) for row in result["after"]["securities"]}
    changes = [
        _change(row["symbol"], row["target_weight"], row["weight"], after[row["symbol"]])
        for row in result["before"]["securities"]
    ]
    changes.sort(key=lambda change: (-change.target, change.symbol))
    first, last = result["before"], result["after"]
    cash = _change("Cash", first["cash_target_weight"], first["cash_weight"], last["cash_weight"])
    return [*changes, cash]


def _change(symbol: str, target: Any, before: Any, after: Any) -> WeightChange:
    aim, first, last = (Decimal(value) * HUNDRED for value in (target, before, after))
    return WeightChange(symbol, aim, first, last, last - aim)
