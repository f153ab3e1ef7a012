"""Bars as packed records, and their roll-up to hours. Pure.

    at       daily bars: the ordinal of the day (1 is 0001-01-01); others: seconds since 1970 (UTC)
    prices   whole numbers of 10^-8; ABSENT where a source did not say (open, high, low of a day)
    volume   whole units; ABSENT where a source did not say

Worked example of a roll-up: minutes 14:30 (10, 12, 9, 11) and 14:59 (11, 15, 11, 14) of one asset
are the hour 14:00 (10, 15, 9, 14). Hours begin at whole hours in UTC, so the first of a session
that opens at 14:30 has thirty minutes.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ABSENT = -1
HOUR_S = 3600
FIELDS = ("asset_id", "at", "open", "high", "low", "close", "volume")
BAR = np.dtype([(name, np.int64) for name in FIELDS])

Records: TypeAlias = NDArray[np.void]


class Interval(StrEnum):
    DAY = "1d"
    HOUR = "1h"
    MINUTE = "1m"


@dataclass(frozen=True, slots=True)
class Gap:
    """Days, the first and the last included, whose bars could not be read, and why."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True, slots=True)
class PartRead:
    """A part of the range: the tier that answered it, and how many bars it had."""

    tier: str
    first: date
    last: date
    bars: int


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars sorted by asset and time, where they came from, and what is missing."""

    rows: Records
    parts: tuple[PartRead, ...]
    gaps: tuple[Gap, ...]


def no_bars() -> Records:
    return np.empty(0, BAR)


def in_order(parts: list[Records]) -> Records:
    """Return the bars of consecutive parts sorted by asset and time."""
    if not parts:
        return no_bars()
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate(parts)
    if (rows["asset_id"] == rows["asset_id"][0]).all() if len(rows) else True:
        return rows
    return rows[np.lexsort((rows["at"], rows["asset_id"]))]


def hours(minutes: Records) -> Records:
    """Return the hours of minute bars that are sorted by asset and time."""
    hour = minutes["at"] - minutes["at"] % HOUR_S
    begins = np.ones(len(minutes), np.bool_)
    begins[1:] = (minutes["asset_id"][1:] != minutes["asset_id"][:-1]) | (hour[1:] != hour[:-1])
    first = np.flatnonzero(begins)
    rolled = np.empty(len(first), BAR)
    if not len(first):
        return rolled
    last = np.append(first[1:], len(minutes)) - 1
    rolled["asset_id"], rolled["at"] = minutes["asset_id"][first], hour[first]
    rolled["open"], rolled["close"] = minutes["open"][first], minutes["close"][last]
    rolled["high"] = np.maximum.reduceat(minutes["high"], first)
    rolled["low"] = np.minimum.reduceat(minutes["low"], first)
    rolled["volume"] = np.add.reduceat(minutes["volume"], first)
    return rolled
