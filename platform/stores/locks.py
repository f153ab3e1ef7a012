"""Row locks: the only way to take them, and a bounded queue of threads that wait for a household.

The order prevents deadlocks: the row of one import, the household's row, its accounts, its
orders, then an asset or a user; rows of one kind by key. Locks leave foreign keys free: a row that
refers to a locked one can be written meanwhile, so announcements and new jobs never wait.

A lock is waited for at most LOCK_TIMEOUT_MS (`config/settings.py`; `embedded/plan.py` and
`docker/roles.sh` set it per role).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from django.db.models import Model, QuerySet

from core.errors import Unavailable
from core.limits import WRITERS_STILL_S_MAX, WRITERS_WAITING_MAX

Row = TypeVar("Row", bound=Model)


class HouseholdBusy(Unavailable):
    """Too many threads of this process wait for the household's lock, and the queue is stuck."""

    code = "household_busy"


def locked(rows: "QuerySet[Row]", *, of: tuple[str, ...] = ()) -> "QuerySet[Row]":
    """Return the rows, to be locked in key order as they are read, until the transaction ends.

    `of` names the tables to lock if the query joins several (`self` is its own).
    """
    return rows.select_for_update(no_key=True, of=of).order_by("pk")


def locked_in_line(
    rows: "QuerySet[Row]", *, household_id: int, of: tuple[str, ...] = ()
) -> list[Row]:
    """Lock rows of one household and return them; at most two threads of a process wait for that.

    More of them wait outside while the queue moves. Once it has not moved for a second they are
    refused at once, so a household whose rows are locked for long leaves the other threads free.
    """
    with in_line((rows.model._meta.label, household_id)):
        return list(locked(rows, of=of))


@dataclass(slots=True)
class _Line:
    """The threads of this process that wait for rows of one kind and household."""

    moved_s: float
    waiting: int = 0


_change = threading.Condition()
_lines: dict[tuple[str, int], _Line] = {}


@contextmanager
def in_line(place: tuple[str, int]) -> Iterator[None]:
    """Wait in the queue while a lock is taken; raise HouseholdBusy if it is full and stuck."""
    _enter(place)
    moved = False
    try:
        yield
        moved = True
    finally:
        _leave(place, moved=moved)


def _enter(place: tuple[str, int]) -> None:
    with _change:
        while True:
            line = _lines.setdefault(place, _Line(moved_s=monotonic()))
            if line.waiting < WRITERS_WAITING_MAX:
                line.waiting += 1
                return
            left_s = line.moved_s + WRITERS_STILL_S_MAX - monotonic()
            if left_s <= 0:
                raise HouseholdBusy(
                    "Another change of this household is being saved. Try again shortly.",
                    retry_after_s=2,
                )
            _change.wait(left_s)


def _leave(place: tuple[str, int], *, moved: bool) -> None:
    with _change:
        line = _lines[place]
        line.waiting -= 1
        if moved:
            line.moved_s = monotonic()
        if not line.waiting:
            del _lines[place]
        _change.notify_all()
