"""A comparison of realized lots as plain values, for the database and the API. Pure."""

from datetime import date
from decimal import Decimal
from typing import Any

from core.money import plain
from transactions.files.broker_lots import Comparison, OurLine, Reconciliation, Totals
from transactions.files.reading.interface import RealizedLot


def stored_lots(found: Reconciliation) -> dict[str, Any]:
    """Return the comparison as plain values, for the database and the API."""
    return {
        "ours": _stored_totals(found.ours),
        "theirs": _stored_totals(found.theirs),
        "lines": [_stored_line(line) for line in found.lines],
    }


def _stored_totals(found: Totals) -> dict[str, str]:
    return {
        "proceeds": plain(found.proceeds),
        "cost_basis": plain(found.cost_basis),
        "disallowed_loss": plain(found.disallowed),
        "recognized_gain": plain(found.recognized),
    }


def _stored_line(line: Comparison) -> dict[str, Any]:
    return {
        "status": line.status,
        "symbol": line.ours[0].symbol if line.ours else line.theirs[0].symbol,
        "ours": [_stored_lot(row) for row in line.ours],
        "theirs": [_stored_lot(row) for row in line.theirs],
        "differences": [
            {
                "field": row.field,
                "ours": _text(row.ours),
                "theirs": _text(row.theirs),
                "by": _text(row.by),
            }
            for row in line.differences
        ],
        "reasons": list(line.reasons),
    }


def _stored_lot(row: OurLine | RealizedLot) -> dict[str, Any]:
    mine = row if isinstance(row, OurLine) else None
    return {
        "opened_date": _text(row.opened_date),
        "closed_date": _text(row.closed_date),
        "quantity": plain(row.quantity),
        "proceeds": plain(row.proceeds),
        "cost_basis": plain(row.cost_basis),
        "disallowed_loss": plain(row.disallowed),
        "term": row.term,
        "line": None if isinstance(row, OurLine) else row.line,
        "sale_id": mine.sale_id if mine else None,
        "lot_id": mine.lot_id if mine else None,
    }


def _text(value: Decimal | date | str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return plain(value) if isinstance(value, Decimal) else value.isoformat()
