"""The audit trail as operators read it: what changed in a row, when, and who did it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TEXT_LENGTH_MAX = 80
CHANGES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One field: what it was, and what it became."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the trail; `by` is empty for work of the system itself."""

    number: int
    label: str
    at: datetime
    row: object
    by: str
    request: str
    changes: Sequence[Change]
    further: int


def changes_between(
    before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> tuple[list[Change], int]:
    """Return the fields that differ, at most CHANGES_SHOWN, and how many more there are.

    before: the row at its event before; None at its first, of which all set fields are shown.
    """
    found = [
        Change(name, "" if before is None else _text(before.get(name)), _text(value))
        for name, value in sorted(after.items())
        if (before is None and value not in (None, "", [], {}))
        or (before is not None and before.get(name) != value)
    ]
    return found[:CHANGES_SHOWN], max(0, len(found) - CHANGES_SHOWN)


def predecessors(rows: Iterable[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Return, by the number of an event, the event before it of the same row.

    rows: events of some rows, oldest first, each with `pgh_id` and `pgh_obj_id`.
    """
    last: dict[object, Mapping[str, Any]] = {}
    found: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        known = last.get(row["pgh_obj_id"])
        if known is not None:
            found[row["pgh_id"]] = known
        last[row["pgh_obj_id"]] = row
    return found


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the row itself, without those of the trail."""
    return {name: value for name, value in row.items() if not name.startswith("pgh_")}


def _text(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= TEXT_LENGTH_MAX else f"{text[: TEXT_LENGTH_MAX - 1]}…"
