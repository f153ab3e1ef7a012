"""Returns from daily values and flows. Pure; float64 arrays, rounded when they are shown.

    r_d     (V_d + out_d) / (V_{d-1} + in_d) - 1     inflows at the start, outflows at the end
    G_d     product of (1 + r_k) up to d; the time-weighted return is G_n - 1
    annual  G_n^(365 / days) - 1, above one year only (GIPS 2020, provision 2.A.7)
    XIRR    the rate x with sum of a_k * (1 + x)^(-(t_k - t_0) / 365) = 0   (actual/365)

Fees, taxes, interest and dividends are performance, not flows. A day that starts without capital
returns 0 if nothing was gained. If something was gained it has no return (NaN), and neither has any
period with that day in it. Less than half a cent counts as nothing.

Worked example (CFA Institute): a share bought for 200 pays 5 and stands at 225 a year later, when a
second is bought; both pay 5 and are sold for 235 after another. (225 + 5) / 200 = 1.15,
(470 + 10) / 450 = 1.0667; linked 22.67 %, 10.75 % a year. XIRR of -200, -220, +480 is 9.39 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.figures import Figure, absent

DAYS_PER_YEAR = 365
# Below this, in units of the reporting currency, there is no capital to earn a return.
NOTHING = 0.005
# A rate beyond a hundred million percent a year means the period is too short for one.
RATE_MAX = 1e6
_NEAR = 1e-6
_GRID = np.concatenate(
    [-np.geomspace(800.0, 1e-3, 400), np.zeros(1), np.geomspace(1e-3, 800.0, 400)]
)

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Daily:
    """Values, flows and returns of each day of a period.

    Arrays of n + 1 days; day 0 is the close before the period and has the return 0. `values` are
    closes, `inflows` and `outflows` are not negative, `returns` holds NaN where none exists.
    """

    first: date
    values: Floats
    inflows: Floats
    outflows: Floats
    returns: Floats
    # Measuring starts at the close of this day: 0, or the first day with capital.
    base: int

    @property
    def index(self) -> Floats:
        """Return the growth of one unit from the base; NaN from the first day without a return."""
        return np.cumprod(1.0 + self.returns)

    @property
    def capital(self) -> Floats:
        """Return the capital of each day: the close before plus inflows; day 0 has none."""
        before = np.concatenate([[0.0], self.values[:-1]])
        return before + self.inflows

    def day(self, number: int) -> date:
        return self.first + timedelta(days=int(number))

    @property
    def last(self) -> date:
        return self.day(len(self.values) - 1)

    @property
    def days(self) -> int:
        """Return the days from the base to the end."""
        return len(self.values) - 1 - self.base


def daily(*, first: date, values: Floats, inflows: Floats, outflows: Floats) -> Daily:
    """Return daily returns of `values` (n + 1 closes, the first the day before the period)."""
    assert len(values) == len(inflows) == len(outflows), "one figure a day"
    before = np.concatenate([[0.0], values[:-1]])
    capital = before + inflows
    gained = values + outflows - capital
    idle = (np.abs(capital) < NOTHING) & (np.abs(gained) < NOTHING)
    working = capital >= NOTHING
    returns = np.full(len(values), np.nan)
    np.divide(gained, capital, out=returns, where=working)
    returns[idle] = 0.0
    # A debt that gains nothing returns 0. A loss above 100 % cannot be chained.
    returns[~working & (np.abs(gained) < NOTHING)] = 0.0
    returns[returns < -1.0 - 1e-12] = np.nan
    returns[0] = 0.0
    funded = np.flatnonzero(working[1:]) + 1
    base = 0
    if abs(values[0]) < NOTHING and len(funded):
        base = int(funded[0])
    return Daily(first, values, inflows, outflows, returns, base)


def time_weighted(series: Daily) -> Figure:
    """Return the chained return of the period, or why there is none."""
    if not (series.capital[1:] >= NOTHING).any():
        return absent("no_value", "No money was invested in the period.")
    broken = np.flatnonzero(np.isnan(series.returns))
    if not len(broken):
        return Figure(float(series.index[-1]) - 1.0)
    day = series.day(int(broken[0]))
    if np.isnan(series.values[broken[0]]) or np.isnan(series.values[broken[0] - 1]):
        return absent("value_unknown", f"The value on {day} is not known.")
    return absent(
        "no_capital",
        f"On {day} there was a gain but no invested money. Record the missing deposit.",
    )


def annualized(figure: Figure, *, days: int) -> Figure:
    """Return a return of `days` days as a yearly rate; absent up to one year."""
    if figure.value is None:
        return figure
    if days <= DAYS_PER_YEAR:
        return absent(
            "not_above_one_year",
            f"The period of {days} days is not longer than one year, so no yearly rate is shown.",
        )
    if figure.value <= -1.0:
        return Figure(-1.0)
    return Figure(math.expm1(math.log1p(figure.value) * DAYS_PER_YEAR / days))


def money_weighted(series: Daily) -> Figure:
    """Return the XIRR of the value before, the flows of each day and the value at the end."""
    ends = (float(series.values[0]), float(series.values[-1]))
    if math.isnan(ends[0]) or math.isnan(ends[1]):
        return absent(
            "value_unknown", "The value at the start or the end of the period is not known."
        )
    flows = series.outflows - series.inflows
    flows[0] = -ends[0]
    flows[-1] += ends[1]
    if np.isnan(flows).any():
        return absent("value_unknown", "The value of transferred shares is not known.")
    moved = np.flatnonzero(np.abs(flows) >= NOTHING)
    if not len(moved):
        return absent("no_flows", "There were no deposits or withdrawals.")
    return xirr([series.day(int(n)) for n in moved], [float(flows[n]) for n in moved])


def xirr(days: Sequence[date], amounts: Sequence[float]) -> Figure:
    """Return the yearly rate at which the flows have no present value; paid in < 0, out > 0.

    Every sign change of the net present value between -100 % and RATE_MAX is found. Several mean
    several rates, none better than another, so that none is returned. A total loss is -100 %.
    """
    import pyxirr

    t = np.array([(day - days[0]).days for day in days], dtype=np.float64) / DAYS_PER_YEAR
    a = np.array(amounts, dtype=np.float64)
    if t[-1] == 0:
        return absent("too_short", "All deposits and withdrawals are on one day.")
    if not (a > 0).any():
        return Figure(-1.0)
    if not (a < 0).any():
        return absent("no_flows", "There was no deposit.")
    signs = np.array([_sign_at(u, t, a) for u in _GRID])
    known = np.flatnonzero(signs)
    turns = [
        (float(_GRID[i]), float(_GRID[j]))
        for i, j in zip(known, known[1:], strict=False)
        if signs[i] != signs[j]
    ]
    if not turns:
        return absent("no_rate", "No rate of return explains these deposits and withdrawals.")
    if len(turns) > 1:
        return absent(
            "several_rates", f"{len(turns)} rates of return explain these flows, so none is shown."
        )
    low, high = turns[0]
    guess = math.expm1(min((low + high) / 2, 30.0))
    rate = pyxirr.xirr(list(days), list(amounts), guess=guess, silent=True)
    if rate is not None and rate > -1 and low <= math.log1p(rate) <= high:
        # It stops about 1e-9 from the root; the answer shows ten decimals.
        near = math.log1p(rate)
        closer = max(low, near - _NEAR), min(high, near + _NEAR)
        if _sign_at(closer[0], t, a) * _sign_at(closer[1], t, a) < 0:
            low, high = closer
    found = _bisected(low, high, t, a)
    # Compared as logarithms: the rate itself may be beyond every float.
    if found > math.log1p(RATE_MAX):
        return absent("too_short", "The period is too short for a yearly rate.")
    return Figure(math.expm1(found))


def _sign_at(u: float, t: Floats, a: Floats) -> int:
    """Return the sign of the net present value at the log rate `u`, without overflow."""
    exponents = -u * t
    value = float(np.sum(a * np.exp(exponents - exponents.max())))
    scale = float(np.sum(np.abs(a) * np.exp(exponents - exponents.max())))
    return 0 if abs(value) <= 1e-13 * scale else (1 if value > 0 else -1)


def _bisected(low: float, high: float, t: Floats, a: Floats) -> float:
    at_low = _sign_at(low, t, a)
    for _ in range(200):
        middle = (low + high) / 2
        sign = _sign_at(middle, t, a)
        if sign == 0:
            return middle
        low, high = (middle, high) if sign == at_low else (low, middle)
    return (low + high) / 2


def of_period(figure: Figure, *, days: int) -> Figure:
    """Return a yearly rate as the return of `days` days."""
    if figure.value is None:
        return figure
    if figure.value <= -1.0:
        return Figure(-1.0)
    return Figure(math.expm1(math.log1p(figure.value) * days / DAYS_PER_YEAR))


@dataclass(frozen=True, slots=True)
class YearOfReturns:
    """A row of the table: twelve months (None: outside, or no return exists) and the year."""

    year: int
    months: tuple[float | None, ...]
    total: float | None


def by_month(series: Daily) -> list[YearOfReturns]:
    """Return chained returns by month and year, of the days of the period within them."""
    start = series.day(max(series.base, 1))
    rows = []
    for year in range(start.year, series.last.year + 1):
        months = tuple(
            _chained(series, date(year, m, 1), _month_end(year, m)) for m in range(1, 13)
        )
        rows.append(
            YearOfReturns(year, months, _chained(series, date(year, 1, 1), date(year, 12, 31)))
        )
    return rows


def _month_end(year: int, month: int) -> date:
    return (date(year + month // 12, month % 12 + 1, 1)) - timedelta(days=1)


def _chained(series: Daily, since: date, until: date) -> float | None:
    low = max((since - series.first).days, series.base, 1)
    high = min((until - series.first).days, len(series.values) - 1)
    if low > high:
        return None
    growth = float(np.prod(1.0 + series.returns[low : high + 1]))
    return None if math.isnan(growth) else growth - 1.0
