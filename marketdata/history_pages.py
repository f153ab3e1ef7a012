"""One page of an asset's history: its bars, and what is missing in it. Pure.

A gap is a run of days without bars, and why:
    no_data            the exchange was open and there is no bar
    cold_unavailable   the archive did not answer; cold_damaged: an object of it is damaged
    warm_unavailable   the second database did not answer
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from marketdata.bars import Gap, Interval, Records
from marketdata.calendars import Session

NO_DATA = "no_data"
GAP_REASONS = (NO_DATA, "cold_unavailable", "cold_damaged", "warm_unavailable")
PRICE_UNIT = 10**8


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Bars by ascending time, their gaps, and the last `at` of the page if more may follow."""

    interval: Interval
    rows: Records
    gaps: tuple[Gap, ...]
    next_after: int | None


def days_of(rows: Records, interval: Interval) -> NDArray[np.int64]:
    """Return the ordinals of the days (UTC) of bars."""
    if interval is Interval.DAY:
        return np.asarray(rows["at"], np.int64)
    return np.asarray(rows["at"] // 86_400 + date(1970, 1, 1).toordinal(), np.int64)


def gaps_of(
    rows: Records, interval: Interval, sessions: Sequence[Session], known: Sequence[Gap]
) -> tuple[Gap, ...]:
    """Return the known gaps, and those sessions that have no bar, by day.

    Sessions within a known gap are not told twice. Sessions that follow each other are one gap.
    """
    at = np.asarray(rows["at"], np.int64)
    found: list[Gap] = []
    run: list[date] = []
    for session in sessions:
        if interval is Interval.DAY:
            first, last = session.day.toordinal(), session.day.toordinal()
        else:
            length_s = 3600 if interval is Interval.HOUR else 60
            first = int(session.opens_at.timestamp()) // length_s * length_s
            last = int(session.closes_at.timestamp())
        there = np.searchsorted(at, first) < np.searchsorted(at, last, side="right")
        away = any(gap.first <= session.day <= gap.last for gap in known)
        if not there and not away:
            run.append(session.day)
        elif run:
            found.append(Gap(run[0], run[-1], NO_DATA))
            run = []
    if run:
        found.append(Gap(run[0], run[-1], NO_DATA))
    return tuple(sorted([*found, *known], key=lambda gap: gap.first))


def day_of(at: int, interval: Interval) -> date:
    """Return the day (UTC) of a bar."""
    if interval is Interval.DAY:
        return date.fromordinal(at)
    return datetime.fromtimestamp(at, UTC).date()


def price_text(price: int) -> str:
    """Return a whole number of 10^-8 in the shortest notation: '40', '0.4'."""
    whole, rest = divmod(price, PRICE_UNIT)
    return f"{whole}.{rest:08}".rstrip("0") if rest else str(whole)
