"""One price for every day, in the units of that day. Pure; whole numbers of 10^-8.

    raw        a close belongs to the units of its day. It is carried to the next close; past a
               split it is divided by the ratio, as the units were multiplied
    adjusted   the publisher divided the closes before a split by its ratio: they are multiplied
               again, so that they meet the units of their day. A split after the newest close of
               the whole series is not in the publisher's figures yet
    marks      prices of the owner's own trades, used before the first close or without any
    carried back   the first price, for the week before it: a bond bought on a holiday

Raw units never meet adjusted prices, in either direction.

Worked example: 10 shares, closes 300 and, after a 3 for 1 split, 101. Raw: 10 * 300, 30 * 101. The
same series adjusted for the split reads 100, 101: 100 * 3 = 300 before the split again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRICE_DECIMALS = 8
CARRIED_BACK_DAYS_MAX = 7
STALE_DAYS = 7
_EIGHT_BYTES = 2**63

Ints = NDArray[np.int64]
Whole = NDArray[Any]  # Python integers of any size


@dataclass(frozen=True, slots=True)
class Points:
    """Whole numbers by ascending day (ordinals): each counts from its day on."""

    days: Ints
    values: Whole


@dataclass(frozen=True, slots=True)
class Closes:
    """The closes of an asset by ascending day (ordinals), in 10^-8 of its currency."""

    days: Ints
    prices: Whole
    # The newest close of a split-adjusted series; None: prices as traded.
    adjusted_until: int | None = None


NO_MARKS = Points(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
NO_CLOSES = Closes(np.empty(0, dtype=np.int64), np.empty(0, dtype=object))


def ended(closes: Closes, price: Decimal, made_on: date, last: date) -> Closes:
    """Return closes whose last day, `last`, has exactly this price, a quote made on `made_on`.

    The quote takes its own day, in place of a close of that day. A close that is newer than the
    quote keeps its day; the quote then stands on `last` alone.
    """
    newest = int(closes.days[-1]) if len(closes.days) else 0
    day = made_on.toordinal() if made_on.toordinal() >= newest else last.toordinal()
    kept = int(np.searchsorted(closes.days, day))
    whole = int(price.scaleb(PRICE_DECIMALS))
    before = closes.prices[:kept]
    # A whole number beyond eight bytes makes the series one of Python's integers.
    added = np.array([whole], dtype=np.int64 if whole < _EIGHT_BYTES else object)
    return replace(
        closes,
        days=np.append(closes.days[:kept], day),
        prices=np.concatenate([before, added]) if len(before) else added,
    )


@dataclass(frozen=True, slots=True)
class DailyPrices:
    """A price for each of a run of days; `source_day` is the day of the price, 0 for none."""

    first: int
    prices: Whole
    known: NDArray[np.bool_]
    source_day: Ints
    # The day of the first real close; before it prices are marks. None: all are.
    closes_from: int | None

    @property
    def floats(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.prices.astype(np.float64) / 10**PRICE_DECIMALS
        return found

    @property
    def age_days(self) -> Ints:
        """Return the age of each price in days; negative if it was carried back."""
        return self.first + np.arange(len(self.prices)) - self.source_day

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Return the days that have a close of their own."""
        real = self.source_day >= (self.closes_from or np.iinfo(np.int64).max)
        found: NDArray[np.bool_] = self.known & (self.age_days == 0) & real
        return found


def daily_prices(
    *,
    closes: Closes,
    marks: Points,
    splits: Sequence[tuple[int, Fraction]],
    first: int,
    count: int,
) -> DailyPrices:
    """Return prices of `count` days from the ordinal `first`. `splits` by day, new for old."""
    days, prices = _in_units_of_their_day(closes, splits)
    closes_from = int(days[0]) if len(days) else None
    early = len(marks.days) if closes_from is None else np.searchsorted(marks.days, closes_from)
    if early:
        days = np.concatenate([marks.days[:early], days])
        prices = np.concatenate([marks.values[:early], prices])
    if not len(days):
        return DailyPrices(
            first,
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=bool),
            np.zeros(count, dtype=np.int64),
            None,
        )
    wanted = first + np.arange(count)
    place = np.searchsorted(days, wanted, side="right") - 1
    known = (place >= 0) | (days[0] - wanted <= CARRIED_BACK_DAYS_MAX)
    place = np.maximum(place, 0)
    source = np.where(known, days[place], 0)
    found = prices[place]
    for day, ratio in splits:
        found = _past_a_split(found, source, wanted, day, ratio)
    return DailyPrices(first, found, known, source, closes_from)


def _in_units_of_their_day(
    closes: Closes, splits: Sequence[tuple[int, Fraction]]
) -> tuple[Ints, Whole]:
    prices = closes.prices
    if closes.adjusted_until is None:
        return closes.days, prices
    for day, ratio in splits:
        if day <= closes.adjusted_until:
            prices = _times(prices, closes.days < day, ratio)
    return closes.days, prices


def _past_a_split(prices: Whole, source: Ints, wanted: Ints, day: int, ratio: Fraction) -> Whole:
    """Convert prices that were made on the other side of a split."""
    prices = _times(prices, (source < day) & (wanted >= day) & (source > 0), 1 / ratio)
    return _times(prices, (source >= day) & (wanted < day), ratio)


def _times(prices: Whole, where: NDArray[np.bool_], ratio: Fraction) -> Whole:
    if not where.any():
        return prices
    changed = prices.astype(object)
    changed[where] = [
        (2 * int(price) * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)
        for price in changed[where]
    ]
    return changed
