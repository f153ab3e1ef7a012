"""Which tier answers which part of a range, and what moves where. Pure.

    hot    the table in the application's database: the last two years, and whatever has not moved
    warm   a second database, if there is one: two to five years
    cold   Parquet on an object store: older, or older than two years without a second database

A partition moves as a whole. Where its rows are is written down with it; its age only says where
they should be. A partition that was restored stays where it is until its day (`keep_until`).

Worked example: partitions of 2019 (cold) and 2022 (warm), a range from 2019-03-01 to 2024-05-01.
The parts are cold 2019-03-01 to 2019-12-31, hot 2020-01-01 to 2021-12-31, warm 2022, and hot
2023-01-01 to 2024-05-01.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

HOT, WARM, COLD = "hot", "warm", "cold"
Tier = Literal["hot", "warm", "cold"]
HOT_DAYS = 2 * 365
WARM_DAYS = 5 * 365
RESTORED_DAYS = 30
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A partition outside the hot tier: the days from `first` to the day before `end`."""

    pk: int
    tier: str
    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Part:
    """Days of a range, the first and the last included, that one tier answers."""

    tier: str
    first: date
    last: date
    partitions: tuple[int, ...] = ()


def parts(placed: Iterable[Placed], *, since: date, until: date) -> list[Part]:
    """Divide a range of days among the tiers, the oldest first. All else is hot."""
    found: list[Part] = []
    day = since
    for one in sorted(placed, key=lambda one: one.first):
        first, last = max(one.first, since), min(one.end - _DAY, until)
        if first > last or one.tier == HOT:
            continue
        if day < first:
            _add(found, Part(HOT, day, first - _DAY))
        _add(found, Part(one.tier, first, last, (one.pk,)))
        day = last + _DAY
    if day <= until:
        _add(found, Part(HOT, day, until))
    return found


def _add(found: list[Part], part: Part) -> None:
    """Append a part, to the last one if the same tier answers both."""
    if found and found[-1].tier == part.tier:
        before = found.pop()
        part = Part(part.tier, before.first, part.last, before.partitions + part.partitions)
    found.append(part)


def belongs_in(*, end: date, as_of: date, warm: bool) -> Tier:
    """Return the tier of a partition by the age of its newest day. `warm`: there is such a tier."""
    age = (as_of - end).days
    if age < HOT_DAYS:
        return "hot"
    return "warm" if warm and age < WARM_DAYS else "cold"
