"""The growth of each asset from one recorded day to the next. Pure.

    recorded days   weekdays; what happens on a weekend belongs to the Monday
    g_d             (P_d * k + c) * X_d / (P_{d-1} * X_{d-1})
    P               the last close up to the day, in units of that day: days without one keep it
    k               new units for one old, of the splits since the recorded day before
    c               cash paid for one unit held since then: dividends by their ex-date, returned
                    capital. It stays in the asset that paid it
    X               units of the strategy's currency for one of the asset's, newest fixing

Prices whose publisher adjusted them for dividends have these in P, so c has none of them. An asset
that ended (delisted, merged, liquidated) is worth what was paid for it, or its last price, and is
cash from that day on. A growth without two known prices or rates is NaN.

Worked example: 100 on Monday; on Tuesday a split of 4:1, a dividend of 0.50 a new unit and a close
of 26: (26 + 0.5) * 4 / 100 = 1.06.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.daily_prices import DailyPrices, daily_prices
from portfolios.performance.daily_rates import Fixings, daily_rates
from portfolios.prices.rule import NO_MARKS, Closes, Splits

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

# An asset whose last close is older than this has no price to trade at.
STALE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Ending:
    """The day (ordinal) on which an asset ceases to exist, and what is paid for one unit then.

    `paid` is in the asset's currency and in units of the day before; None: its last price.
    """

    day: int
    paid: float | None


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """What is known of an asset: closes, splits, cash paid by (ordinal, cash of one unit)."""

    asset_id: int
    symbol: str
    currency: str
    closes: Closes
    splits: Splits = ()
    payments: Sequence[tuple[int, float]] = ()
    ending: Ending | None = None
    # The cost of a trade as a fraction of its value.
    half_spread: float = 0.0
    is_cash: bool = False


@dataclass(frozen=True, slots=True)
class Growth:
    """One asset over the recorded days; entry k is from day k - 1 to day k.

    own       the asset has a close of its own on the day, so it can be traded
    stale     its last close is more than a week old, or there was none yet
    over      it ended on this day or before
    """

    symbol: str
    factor: Floats
    own: Bools
    stale: Bools
    over: Bools
    half_spread: float


@dataclass(frozen=True, slots=True)
class Market:
    """Recorded days (ordinals, ascending) and the growth of the assets; day 0 is the base."""

    days: tuple[int, ...]
    assets: Mapping[int, Growth] = field(default_factory=dict)


def weekdays(first: int, last: int) -> tuple[int, ...]:
    """Return the ordinals from Monday to Friday between two days, both included."""
    return tuple(day for day in range(first, last + 1) if (day - 1) % 7 < 5)


def market(
    *, histories: Sequence[AssetHistory], days: Sequence[int], currency: str, fixings: Fixings
) -> Market:
    """Return the growth of each asset over the days, in the strategy's currency."""
    found = {
        one.asset_id: _growth(one, np.array(days, np.int64), currency, fixings) for one in histories
    }
    return Market(tuple(days), found)


def _growth(one: AssetHistory, days: NDArray[np.int64], currency: str, fixings: Fixings) -> Growth:
    first, count = int(days[0]), int(days[-1] - days[0]) + 1
    at = days - first
    rates = daily_rates(
        currency=one.currency, reporting=currency, fixings=fixings, first=first, count=count
    )
    rate = np.where(rates.known, rates.floats, np.nan)[at]
    if one.is_cash:
        every = np.ones(len(days), np.bool_)
        return Growth(one.symbol, _ratio(rate, rate), every, ~every, ~every, one.half_spread)
    prices = daily_prices(
        closes=one.closes, marks=NO_MARKS, splits=one.splits, first=first, count=count
    )
    price, own, stale = _priced(prices, at)
    worth = _worth(one, days, price)
    over = np.zeros(len(days), np.bool_)
    if one.ending is not None:
        over = days >= one.ending.day
    return Growth(
        one.symbol,
        _ratio(worth * rate, price * rate),
        own & ~over & ~np.isnan(rate),
        stale | np.isnan(rate),
        over,
        one.half_spread,
    )


def _priced(prices: DailyPrices, at: NDArray[np.int64]) -> tuple[Floats, Bools, Bools]:
    """Return prices, the days with a close of their own, and the days whose close is old."""
    age = prices.age_days
    # A first close is not carried back: nobody could have traded at it.
    known = prices.known & (age >= 0)
    price = np.where(known, prices.floats, np.nan)[at]
    # A close of a weekend is the Monday's.
    own = (known & (age <= _since_recorded(prices.first + at, at, age)))[at]
    return price, own, (~known | (age > STALE_DAYS))[at]


def _since_recorded(
    days: NDArray[np.int64], at: NDArray[np.int64], age: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for every day how old a close may be and still be its own: two days on a Monday."""
    allowed = np.zeros(len(age), np.int64)
    allowed[at] = np.where((days - 1) % 7 == 0, 2, 0)
    return allowed


def _worth(one: AssetHistory, days: NDArray[np.int64], price: Floats) -> Floats:
    """Return what one unit of the recorded day before is worth on each day, payments included.

    Payments are of one unit of their day: of the new units where a split is on the same day.
    """
    worth = price.copy()
    for day, cash in one.payments:
        k = _recorded(days, day)
        worth[k : k + 1] += cash
    for day, ratio in one.splits:
        k = _recorded(days, day)
        worth[k : k + 1] *= float(ratio)
    if one.ending is not None and 0 < (k := _recorded(days, one.ending.day)) < len(days):
        worth[k] = price[k - 1] if one.ending.paid is None else one.ending.paid
    return worth


def _recorded(days: NDArray[np.int64], day: int) -> int:
    """Return the place of the first recorded day on or after a day; past the end if none is."""
    k = int(np.searchsorted(days, day))
    # What happened up to the base is in its price.
    return k if k else len(days)


def _ratio(worth: Floats, before: Floats) -> Floats:
    factor = np.full(len(worth), np.nan)
    factor[1:] = worth[1:] / before[:-1]
    return factor
