"""Shifts a sample that ended years ago to today, by whole weeks. Pure.

    split at i    the newest session with at least `held_back_min` sessions after it whose weekday
                  is that of `last_session`
    days          last_session - sessions[i], a multiple of 7: weekdays keep their meaning
    history       sessions[0..i] + days, ends exactly at `last_session`
    held back     sessions[i+1..] + days, still to come

A shifted date minus `days` is the real date.
Worked example: sessions to Wed 2022-12-28, last session Fri 2026-11-20, one held back: the split is
at Fri 2022-12-23, days = 1428 = 204 weeks, and Tue 2022-12-27 is held back as Tue 2026-11-24.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


class SampleTooShort(ValueError):
    """No session on the wanted weekday has enough sessions after it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a series is shifted, and the index of its last session of history."""

    days: int
    split: int


def shift(*, sessions: Sequence[date], last_session: date, held_back_min: int) -> Shift:
    """Return the shift of ascending `sessions` whose history ends at `last_session`."""
    for index in range(len(sessions) - 1 - held_back_min, -1, -1):
        days = (last_session - sessions[index]).days
        if days % 7 == 0:
            return Shift(days=days, split=index)
    raise SampleTooShort(
        f"{len(sessions)} sessions are too few to hold {held_back_min} back and end on a "
        f"{last_session:%A}"
    )
