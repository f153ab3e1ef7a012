"""One price for every day, in the units of that day. Pure; whole numbers of 10^-8.

    counted    `portfolios.prices.rule` says which prices count: closes, own prices before the
               first close, the household's own trades before those
    carried    a price stands until the next one; past a split it is divided by the ratio, as the
               units were multiplied
    carried back   the first price, for the week before it: a bond bought on a holiday

Raw units never meet adjusted prices, in either direction.

Worked example: 10 shares, closes 300 and, after a 3 for 1 split, 101. Raw: 10 * 300, 30 * 101. The
same series adjusted for the split reads 100, 101: 100 * 3 = 300 before the split again.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from portfolios.prices.rule import (
    NO_OWN,
    PRICE_DECIMALS,
    Closes,
    Ints,
    OwnSeries,
    Points,
    Splits,
    Whole,
    chosen,
    divided,
    times,
)

CARRIED_BACK_DAYS_MAX = 7
STALE_DAYS = 7
_EIGHT_BYTES = 2**63


def ended(closes: Closes, price: Decimal, made_on: date, last: date, splits: Splits = ()) -> Closes:
    """Return closes whose last day, `last`, has exactly this price, a quote made on `made_on`.

    The quote takes its own day, in place of a close of that day. A close that is newer than the
    quote keeps its day; the quote then stands on `last` alone, divided by the splits in between.
    """
    newest = int(closes.days[-1]) if len(closes.days) else 0
    day = made_on.toordinal()
    if day < newest:
        price = divided(price, splits, since=day, until=last.toordinal())
        day = last.toordinal()
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
    # The day of the first close or own price; before it prices are estimates. None: all are.
    real_from: int | None

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
        """Return the days that have a close or an own price of their own."""
        found: NDArray[np.bool_] = self.known & (self.age_days == 0) & ~self.estimated
        return found

    @property
    def estimated(self) -> NDArray[np.bool_]:
        """Return the days whose price is that of an own trade."""
        real_from = np.iinfo(np.int64).max if self.real_from is None else self.real_from
        found: NDArray[np.bool_] = self.known & (self.source_day < real_from)
        return found


def daily_prices(
    *,
    closes: Closes,
    marks: Points,
    splits: Splits,
    first: int,
    count: int,
    own: OwnSeries = NO_OWN,
) -> DailyPrices:
    """Return prices of `count` days from the ordinal `first`. `splits` by day, new for old."""
    counted = chosen(closes=closes, own=own, marks=marks, splits=splits)
    days, prices = counted.days, counted.prices
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
    return DailyPrices(first, found, known, source, counted.real_from)


def _past_a_split(prices: Whole, source: Ints, wanted: Ints, day: int, ratio: Fraction) -> Whole:
    """Convert prices that were made on the other side of a split."""
    prices = times(prices, (source < day) & (wanted >= day) & (source > 0), 1 / ratio)
    return times(prices, (source >= day) & (wanted < day), ratio)
