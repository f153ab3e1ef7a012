"""Everything held, valued on every day. Pure; float64 for statistics, whole numbers for sums.

    value of an asset    units of the day * price in the units of that day * rate of the day
    value of the whole   the assets' values + cash of each currency * its rate

Arrays have n + 1 days; day 0 is the close before the period. Exact figures are whole numbers of
10^-52 of the reporting currency: an amount of money with 4 decimals may be converted twice, at
rates of 24 decimals each, and nothing is cut off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.daily_holdings import History
from portfolios.performance.daily_prices import DailyPrices, daily_prices
from portfolios.performance.daily_rates import DailyRates, Fixings, daily_rates
from portfolios.performance.facts import (
    CASH_DECIMALS,
    PART_DECIMALS,
    RATE_DECIMALS,
    UNIT_DECIMALS,
)
from portfolios.performance.figures import Figure, absent
from portfolios.performance.returns import Floats
from portfolios.prices.rule import (
    NO_CLOSES,
    NO_MARKS,
    NO_OWN,
    PRICE_DECIMALS,
    Closes,
    Ints,
    OwnSeries,
    Points,
    Whole,
)

EXACT_DECIMALS = CASH_DECIMALS + 2 * RATE_DECIMALS
# What turns units * price * rate into exact figures.
OF_UNITS: int = 10 ** (EXACT_DECIMALS - UNIT_DECIMALS - PRICE_DECIMALS - RATE_DECIMALS)
OF_CASH: int = 10 ** (EXACT_DECIMALS - CASH_DECIMALS - RATE_DECIMALS)
OF_PARTS: int = 10 ** (EXACT_DECIMALS - PART_DECIMALS - RATE_DECIMALS)

# Whole numbers up to this are exact in floating point.
_EXACT_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Line:
    """An asset, its closes and the household's own prices of it.

    `dividend_adjusted`: the closes include dividends.
    """

    asset: int
    symbol: str
    currency: str
    closes: Closes = NO_CLOSES
    dividend_adjusted: bool = False
    name: str = ""
    own: OwnSeries = NO_OWN


@dataclass(frozen=True)
class Steps:
    """Whole numbers that change on few of `count` days: `values[k]` from place `starts[k]` on."""

    starts: Ints
    values: Whole
    count: int

    def floats(self, decimals: int) -> Floats:
        """One number a day, from steps of 10^-decimals."""
        scale = 10**decimals
        if self.values.dtype != object and (np.abs(self.values) <= _EXACT_MAX).all():
            values = self.values / scale
        else:
            values = np.array([value / scale for value in self.values.tolist()], dtype=np.float64)
        return np.repeat(values, self._lengths)

    @cached_property
    def exact(self) -> NDArray[np.object_]:
        return np.repeat(self.values.astype(object), self._lengths)

    @property
    def _lengths(self) -> Ints:
        return np.diff(np.append(self.starts, self.count))

    def at(self, number: int) -> int:
        return int(self.values[int(np.searchsorted(self.starts, number, side="right")) - 1])

    def __bool__(self) -> bool:
        return bool(self.values.any())


@dataclass(frozen=True)
class Track:
    """One asset over the days."""

    line: Line
    units: Steps
    prices: DailyPrices
    rates: DailyRates

    @cached_property
    def _units(self) -> Floats:
        return self.units.floats(UNIT_DECIMALS)

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self._units != 0
        return found

    @cached_property
    def unknown(self) -> NDArray[np.bool_]:
        """Days on which the asset was held and its value is unknown."""
        found: NDArray[np.bool_] = self.held & ~(self.prices.known & self.rates.known)
        return found

    @cached_property
    def values(self) -> Floats:
        """In the reporting currency; NaN where unknown."""
        found: Floats = self._units * self.prices.floats
        if not self.rates.constant:
            found = found * self.rates.floats
        found[self.unknown] = np.nan
        return found

    @cached_property
    def local(self) -> NDArray[np.object_]:
        """Exact values in the asset's own currency, in 10^-18."""
        found: NDArray[np.object_] = self.units.exact * self.prices.prices.astype(object)
        return found

    def local_at(self, number: int) -> int:
        return self.units.at(number) * int(self.prices.prices[number])

    def exact(self, number: int) -> int:
        """Return the value on a day in the reporting currency."""
        return self.local_at(number) * int(self.rates.rates[number]) * OF_UNITS

    def worth(self, units: int, number: int) -> int:
        """Return the value of a number of units at the close of a day."""
        at_home = units * int(self.prices.prices[number])
        return at_home * int(self.rates.rates[number]) * OF_UNITS

    def knows(self, number: int) -> bool:
        """Return whether a unit has a value on a day, held or not."""
        return bool(self.prices.known[number] and self.rates.known[number])


@dataclass(frozen=True)
class Purse:
    """Cash of one currency over the days, in 10^-4."""

    currency: str
    balances: Steps
    rates: DailyRates

    @cached_property
    def _balances(self) -> Floats:
        return self.balances.floats(CASH_DECIMALS)

    @cached_property
    def unknown(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self._balances != 0) & ~self.rates.known
        return found

    @cached_property
    def values(self) -> Floats:
        found: Floats = self._balances * self.rates.floats
        found[self.unknown] = np.nan
        return found

    def exact(self, number: int) -> int:
        return self.balances.at(number) * int(self.rates.rates[number]) * OF_CASH


@dataclass(frozen=True)
class Board:
    """All tracks and purses of a period whose day 0 has the ordinal `first`."""

    first: int
    count: int
    reporting: str
    tracks: Mapping[int, Track]
    purses: Sequence[Purse]
    rates: Mapping[str, DailyRates]
    # Assets that the single asset was exchanged for; their values are not counted.
    others: Mapping[int, Track]

    @property
    def parts(self) -> "list[Track | Purse]":
        return [*self.tracks.values(), *self.purses]

    @cached_property
    def values(self) -> Floats:
        """Return the value of everything at each close."""
        found: Floats = np.zeros(self.count)
        for part in self.parts:
            found = found + part.values
        return found

    @cached_property
    def priced(self) -> NDArray[np.bool_]:
        """Return the days with a fresh close of something held on them or the day before."""
        found = np.zeros(self.count, dtype=bool)
        for track in self.tracks.values():
            held = track.held.copy()
            held[1:] |= track.held[:-1]
            found |= held & track.prices.fresh
        return found

    @cached_property
    def missing(self) -> Figure | None:
        """Return why the first unknown value is unknown; None if every value is known."""
        found = []
        for track in self.tracks.values():
            for number in np.flatnonzero(track.unknown)[:1]:
                found.append((int(number), self.why_unknown(track, int(number))))
        for purse in self.purses:
            for number in np.flatnonzero(purse.unknown)[:1]:
                found.append((int(number), self.no_rate(purse.currency, int(number))))
        return min(found, key=lambda one: one[0])[1] if found else None

    def why_unknown(self, track: Track, number: int) -> Figure:
        if not track.prices.known[number]:
            day = date.fromordinal(self.first + number)
            return absent(
                "price_missing", f"{track.line.symbol} has no price on or before {day}. Record one."
            )
        return self.no_rate(track.line.currency, number)

    def no_rate(self, currency: str, number: int) -> Figure:
        day = date.fromordinal(self.first + number)
        return absent(
            "exchange_rate_missing",
            f"No exchange rate from {currency} to {self.reporting} is available on {day}.",
        )

    def number(self, day: int) -> int:
        """Return the index of an ordinal day in the arrays."""
        return day - self.first


def board(
    *,
    past: History,
    lines: Mapping[int, Line],
    fixings: Fixings,
    reporting: str,
    first: int,
    last: int,
    only: int | None = None,
) -> Board:
    """Value the days from the close of `first` to that of `last` (ordinals); `only`: one asset."""
    count = last - first + 1
    currencies = {line.currency for line in lines.values()} | set(past.cash) | {reporting}
    currencies |= past.payments.currency_names
    rates = {
        one: daily_rates(
            currency=one, reporting=reporting, fixings=fixings, first=first, count=count
        )
        for one in sorted(currencies)
    }
    exchanged = {
        other
        for delivery in past.deliveries
        if only is not None and only in (delivery.asset, delivery.other)
        for other in (delivery.asset, delivery.other)
    }
    tracks: dict[int, Track] = {}
    others: dict[int, Track] = {}
    for asset, points in past.units.items():
        if only is not None and asset not in exchanged | {only}:
            continue
        units = _filled(points, first, count)
        if not units and len(units.starts) == 1:
            continue
        line = lines[asset]
        prices = daily_prices(
            closes=line.closes,
            marks=past.marks.get(asset, NO_MARKS),
            splits=past.splits.get(asset, ()),
            first=first,
            count=count,
            own=line.own,
        )
        place = tracks if only in (None, asset) else others
        place[asset] = Track(line, units, prices, rates[line.currency])
    purses = [
        Purse(currency, _filled(points, first, count), rates[currency])
        for currency, points in sorted(past.cash.items())
        if only is None
    ]
    return Board(first, count, reporting, tracks, purses, rates, others)


def _filled(points: Points, first: int, count: int) -> Steps:
    """Return the newest point up to each day, 0 before the first."""
    begin = int(np.searchsorted(points.days, first, side="right"))
    end = int(np.searchsorted(points.days, first + count))
    before = points.values[begin - 1 : begin] if begin else np.zeros(1, dtype=np.int64)
    return Steps(
        np.concatenate([np.zeros(1, dtype=np.int64), points.days[begin:end] - first]),
        np.concatenate([before, points.values[begin:end]]),
        count,
    )
