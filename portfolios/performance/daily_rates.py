"""One exchange rate for every day, carried over weekends. Pure.

x_d    units of the reporting currency for one of another = fixing(to) / fixing(from), both the
       newest up to the day, as `marketdata.fx` crosses them
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.money import WIDE
from marketdata.fx import EURO, crossed_rate
from portfolios.performance.facts import RATE_DECIMALS
from portfolios.prices.rule import Whole

ONE = 10**RATE_DECIMALS

# By currency: the newest fixing before the period and those of the period, ascending.
Fixings = Mapping[str, Sequence[tuple[date, Decimal]]]


@dataclass(frozen=True)
class DailyRates:
    """Units of the reporting currency for one, in 10^-24, for each of a run of days."""

    rates: Whole
    known: NDArray[np.bool_]
    constant: bool = False

    @cached_property
    def moves(self) -> NDArray[np.int64]:
        """The days, from the second on, whose rate is not that of the day before."""
        return np.flatnonzero(self.rates[1:] != self.rates[:-1]) + 1

    @cached_property
    def changes(self) -> Whole:
        """The change of the rate on each of the `moves`."""
        found: Whole = self.rates[self.moves] - self.rates[self.moves - 1]
        return found

    @cached_property
    def floats(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.rates.astype(np.float64) / ONE
        return found


def daily_rates(
    *, currency: str, reporting: str, fixings: Fixings, first: int, count: int
) -> DailyRates:
    """Return the rates of `count` days from the ordinal `first`."""
    if currency == reporting:
        return DailyRates(_repeated([ONE], [count]), np.ones(count, dtype=bool), constant=True)
    changes = sorted(
        {
            max(day.toordinal(), first)
            for one in (currency, reporting)
            for day, _ in fixings.get(one, ())
            if day.toordinal() < first + count
        }
    )
    crossed = [
        None if base is None or quote is None else crossed_rate(quote, base)
        for base, quote in zip(
            _newest(currency, fixings, changes), _newest(reporting, fixings, changes), strict=True
        )
    ]
    lengths = np.diff([first, *changes, first + count])
    return DailyRates(
        _repeated([0, *(0 if rate is None else _whole(rate) for rate in crossed)], lengths),
        np.repeat([False, *(rate is not None for rate in crossed)], lengths),
    )


def _newest(currency: str, fixings: Fixings, days: Sequence[int]) -> list[Decimal | None]:
    """Return the newest fixing against the euro up to each day; None where there is none yet."""
    if currency == EURO:
        return [Decimal(1)] * len(days)
    known = fixings.get(currency, ())
    places = np.searchsorted([day.toordinal() for day, _ in known], days, side="right")
    return [known[place - 1][1] if place else None for place in places.tolist()]


def _whole(rate: Decimal) -> int:
    return int(rate.scaleb(RATE_DECIMALS, context=WIDE))


def _repeated(values: Sequence[int], lengths: Sequence[int] | NDArray[np.int64]) -> Whole:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return np.repeat(found, lengths)
