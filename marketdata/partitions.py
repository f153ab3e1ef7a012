"""The partitions of prices: their names and ranges, and which of them must exist. Pure.

    daily prices   one a year, from 2010 to two years ahead
    minute bars    one a month, to 100 days ahead
    trades         one a day, to 14 days ahead; dropped after some days

A range is half open: a partition holds `first` and not `end`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

DAILY, MINUTES, TICKS = "marketdata_dailyprice", "marketdata_minutebar", "marketdata_tick"


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a table: the rows from `first` to the day before `end`."""

    table: str
    name: str
    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Table:
    """A partitioned table: its column of time, the length of its partitions, and how many."""

    name: str
    column: str
    every: Literal["year", "month", "day"]
    since: date | None
    ahead_days: int
    # The share of each page that rows fill: half where they are written again in place.
    fillfactor: int = 100


TABLES = (
    Table(DAILY, "date", "year", date(2010, 1, 1), 2 * 366),
    Table(MINUTES, "at", "month", None, 100, fillfactor=50),
    Table(TICKS, "at", "day", None, 14),
)


def holding(table: Table, day: date) -> Partition:
    """Return the partition that holds a day."""
    if table.every == "year":
        first, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
        return Partition(table.name, f"{table.name}_{first.year}", first, end)
    if table.every == "month":
        first = day.replace(day=1)
        end = (first + timedelta(days=31)).replace(day=1)
        return Partition(table.name, f"{table.name}_{first:%Y_%m}", first, end)
    return Partition(table.name, f"{table.name}_{day:%Y_%m_%d}", day, day + timedelta(days=1))


BEFORE_2010 = Partition(DAILY, f"{DAILY}_before_2010", date.min, date(2010, 1, 1))


def partitions_between(name: str, since: date, until: date) -> list[Partition]:
    """Return the partitions of a table that a range of days touches, the oldest first."""
    table = next(one for one in TABLES if one.name == name)
    found = []
    while since <= until:
        before = table.since is not None and since < table.since
        one = BEFORE_2010 if before else holding(table, since)
        found.append(one)
        since = one.end
    return found


def wanted(table: Table, as_of: date) -> Iterator[Partition]:
    """Yield the partitions that must exist on a day, from the oldest on."""
    last = as_of + timedelta(days=table.ahead_days)
    day = table.since or as_of
    while True:
        one = holding(table, day)
        yield one
        if one.end > last:
            return
        day = one.end


def covered_until(table: Table, existing: set[str], as_of: date) -> date:
    """Return the first day from `as_of` on without a partition."""
    one = holding(table, as_of)
    while one.name in existing:
        one = holding(table, one.end)
    return max(one.first, as_of)


def expired(names: set[str], *, before: date) -> list[str]:
    """Return the partitions of trades that end on or before a day, the oldest first."""
    form = f"{TICKS}_%Y_%m_%d"
    last = f"{before - timedelta(days=1):{form}}"
    return sorted(name for name in names if name[len(TICKS) + 1 :][:2].isdigit() and name <= last)
