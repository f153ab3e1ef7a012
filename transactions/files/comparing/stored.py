"""A comparison as plain values, for the database and the API. Pure.

Where the record is certain, it says what to do: reverse the second of two equal transactions,
record a split that another account has, or import the file whose row is missing. A person confirms
it; nothing here records anything.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.money import plain
from transactions.files.comparing.causes import Cause
from transactions.files.comparing.holdings import Cash, Comparison, Position
from transactions.files.comparing.moves import decimal_of

_BASIS_ALLOWED, _BASIS_PER_UNIT = Decimal("0.05"), Decimal("0.005")


def lines_of(found: Comparison, *, costs: Mapping[str, tuple[Decimal, Decimal]]) -> dict[str, Any]:
    """Return positions and cash as JSON takes them.

    `costs`: cost basis and wash-sale adjustment by symbol, where the lots are those of the day.
    """
    return {
        "positions": [_position(one, costs.get(one.symbol)) for one in found.positions],
        "cash": None if found.cash is None else _cash(found.cash),
    }


def count(found: Comparison, status: str) -> int:
    """Return how many positions, and the cash, have a status."""
    cash = found.cash is not None and found.cash.status == status
    return sum(one.status == status for one in found.positions) + cash


def _position(one: Position, cost: tuple[Decimal, Decimal] | None) -> dict[str, Any]:
    return {
        "status": one.status,
        "symbol": one.symbol or None,
        "key": one.key,
        "ours": None if one.ours is None else plain(one.ours),
        "theirs": None if one.theirs is None else plain(one.theirs),
        "by": plain(one.by),
        "lines": list(one.lines),
        "reasons": [_cause(cause, one.symbol) for cause in one.causes],
        "basis": _basis(one, *cost) if cost is not None else None,
    }


def _basis(one: Position, ours: Decimal, adjustment: Decimal) -> dict[str, Any] | None:
    """Return both costs of a matched position, and why they differ if they do."""
    theirs = one.cost_basis
    if theirs is None or one.status != "matched" or one.ours is None:
        return None
    by = theirs - ours
    allowed = max(_BASIS_ALLOWED, one.ours * _BASIS_PER_UNIT)
    reason = None
    if by and abs(by) <= allowed:
        reason = "basis_rounding"
    elif by and adjustment and abs(by + adjustment) <= allowed:
        reason = "wash_sale_basis"
    elif by:
        reason = "unexplained"
    return {"ours": plain(ours), "theirs": plain(theirs), "by": plain(by), "reason": reason}


def _cash(cash: Cash) -> dict[str, Any]:
    return {
        "status": cash.status,
        "ours": plain(cash.ours),
        "theirs": plain(cash.theirs),
        "by": plain(cash.by),
        "unexplained": plain(cash.left),
        "lines": list(cash.lines),
        "reasons": [_cause(cause, "") for cause in cash.causes],
    }


def _cause(cause: Cause, symbol: str) -> dict[str, Any]:
    return {
        "code": cause.reason,
        "certain": cause.certain,
        "units": plain(decimal_of(cause.units)) if cause.units else None,
        "cash": plain(cause.cash) if cause.cash else None,
        "ratio": _ratio(cause.ratio) if cause.ratio else None,
        "symbol": cause.symbol or None,
        "transaction_ids": list(cause.ids),
        "lines": list(cause.lines),
        "proposal": _proposal(cause, symbol) if cause.certain else None,
    }


def _ratio(ratio: Fraction) -> str:
    return f"{ratio.numerator}:{ratio.denominator}"


def _proposal(cause: Cause, symbol: str) -> dict[str, Any] | None:
    if cause.reason == "duplicate":
        return {"action": "reverse", "transaction_ids": list(cause.ids), "transaction": None}
    if cause.reason == "split_not_recorded" and cause.ratio and cause.day:
        split = {
            "type": "split",
            "symbol": symbol,
            "ratio": _ratio(cause.ratio),
            "executed_at": f"{cause.day.isoformat()}T00:00:00Z",
        }
        return {"action": "record", "transaction_ids": [], "transaction": split}
    if cause.reason == "transaction_missing" and cause.lines:
        return {"action": "import", "transaction_ids": [], "transaction": None}
    return None
