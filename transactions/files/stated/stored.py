"""Statements as plain values, for the database. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from transactions.files.reading.interface import RowProblem, Security
from transactions.files.stated.interface import (
    StatedCash,
    StatedPosition,
    Statement,
    Unreadable,
)


def as_stored(statement: Statement) -> dict[str, Any]:
    """Return a statement as JSON takes it: numbers and days are texts."""
    return {
        "positions": [_plain(asdict(row)) for row in statement.positions],
        "cash": [_plain(asdict(row)) for row in statement.cash],
        "unreadable": [asdict(row) for row in statement.unreadable],
        "states_positions": statement.states_positions,
        "states_cash": statement.states_cash,
        "is_part": statement.is_part,
    }


def from_stored(stored: Mapping[str, Any]) -> Statement:
    """Return the statement that `as_stored` wrote."""
    return Statement(
        positions=tuple(
            StatedPosition(**{**_typed(row), "security": Security(**row["security"])})
            for row in stored["positions"]
        ),
        cash=tuple(StatedCash(**_typed(row)) for row in stored["cash"]),
        unreadable=tuple(
            Unreadable(row["line"], RowProblem(**row["problem"])) for row in stored["unreadable"]
        ),
        states_positions=stored["states_positions"],
        states_cash=stored["states_cash"],
        is_part=stored["is_part"],
    )


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Decimal | date) else value
        for name, value in row.items()
    }


_FIGURES = ("quantity", "value", "cost_basis", "amount", "settled")


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    typed = dict(row)
    for name in _FIGURES:
        if typed.get(name) is not None:
            typed[name] = Decimal(typed[name])
    if typed.get("day") is not None:
        typed["day"] = date.fromisoformat(typed["day"])
    return typed
