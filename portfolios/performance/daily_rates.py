"""One exchange rate for every day, carried over weekends. Pure.

x_d    units of the reporting currency for one of another = fixing(to) / fixing(from), both the
       newest up to the day, as `marketdata.fx` crosses them
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from core.money import WIDE
from marketdata.fx import Fixing, crossed
from portfolios.performance.daily_holdings import RATE_DECIMALS
from portfolios.performance.daily_prices import Whole

ONE = 10**RATE_DECIMALS

# By currency: the newest fixing before the period and those of the period, ascending.
Fixings = Mapping[str, Sequence[tuple[date, Decimal]]]


@dataclass(frozen=True, slots=True)
class DailyRates:
    """Units of the reporting currency for one, in 10^-24, for each of a run of days."""

    rates: Whole
    known: NDArray[np.bool_]
    constant: bool = False

    @property
    def floats(self) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.rates.astype(np.float64) / ONE
        return found


def daily_rates(
    *, currency: str, reporting: str, fixings: Fixings, first: int, count: int
) -> DailyRates:
    """Return the rates of `count` days from the ordinal `first`."""
    rates = np.empty(count, dtype=object)
    if currency == reporting:
        rates[:] = ONE
        return DailyRates(rates, np.ones(count, dtype=bool), constant=True)
    rates[:] = 0
    changes = sorted(
        {
            max(day.toordinal(), first)
            for one in (currency, reporting)
            for day, _ in fixings.get(one, ())
            if day.toordinal() < first + count
        }
    )
    known = np.zeros(count, dtype=bool)
    for number, day in enumerate(changes):
        until = changes[number + 1] if number + 1 < len(changes) else first + count
        rate = _crossed(currency, reporting, fixings, date.fromordinal(day))
        if rate is not None:
            rates[day - first : until - first] = int(rate.scaleb(RATE_DECIMALS, context=WIDE))
            known[day - first : until - first] = True
    return DailyRates(rates, known)


def _crossed(currency: str, reporting: str, fixings: Fixings, day: date) -> Decimal | None:
    newest = {}
    for one in (currency, reporting):
        known = fixings.get(one, ())
        place = bisect_right(known, day, key=lambda fixing: fixing[0])
        if place:
            fixed_on, rate = known[place - 1]
            newest[one] = Fixing(rate, fixed_on)
    found = crossed(base=currency, quote=reporting, fixings=newest, as_of=day)
    return None if found is None else found.rate
