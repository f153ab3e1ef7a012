"""Returns from daily values and flows. Pure; float64 arrays, rounded when they are shown.

    r_d     (V_d + out_d) / (V_{d-1} + in_d) - 1     inflows at the start, outflows at the end
    G_d     product of (1 + r_k) up to d; the time-weighted return is G_n - 1
    annual  G_n^(365 / days) - 1, above one year only (GIPS 2020, provision 2.A.7)
    MWR     the rate x with sum of a_k * (1 + x)^(-(t_k - t_0) / days) = 0   over the period itself
    XIRR    the same with 365 for days: a yearly rate   (actual/365)

Fees, taxes, interest and dividends are performance, not flows. What came and what went on one day
is netted first. A day without capital returns 0: a gain or loss on it is marked apart, as are
costs that used up all that came on a day that began and ended with nothing. The loss of more
than all capital cannot be chained: such a day has no return (NaN), and neither has any period with
it. Less than half a cent counts as nothing.

The money-weighted return of a period is a root over the period. It is not a yearly rate bent back:
a yearly rate near -100 % has no digits left, and one above RATE_MAX none that mean anything.

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
# Beside a plausible yearly rate, one below this is an artefact of the last small flows.
EDGE = -0.9999
# The logarithm of the largest growth that a float can hold.
_LARGEST = 700.0
# Rates times flows that are computed in one array.
_AT_ONCE = 100_000
_GRID = np.concatenate(
    [-np.geomspace(800.0, 1e-3, 400), np.zeros(1), np.geomspace(1e-3, 800.0, 400)]
)

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Daily:
    """Values, flows and returns of each day of a period.

    Arrays of n + 1 days; day 0 is the close before the period and has the return 0. `values` are
    closes, `inflows` and `outflows` are not negative, `returns` holds NaN where none exists.
    `apart` marks the days on which something was gained or lost without capital.
    """

    first: date
    values: Floats
    inflows: Floats
    outflows: Floats
    returns: Floats
    apart: Bools
    # Measuring starts at the close of this day: 0, or the first day with capital.
    base: int

    @property
    def index(self) -> Floats:
        """Return the growth of one unit from the base; NaN from the first day without a return."""
        return np.cumprod(1.0 + self.returns)

    @property
    def capital(self) -> Floats:
        """Return the capital of each day: the close before plus inflows.

        Day 0 and the days marked apart have none.
        """
        before = np.concatenate([[0.0], self.values[:-1]])
        return np.where(self.apart, 0.0, before + self.inflows)

    @property
    def gained_apart(self) -> list[tuple[date, float]]:
        """Return the days without capital on which something was gained or lost, and how much."""
        before = np.concatenate([[0.0], self.values[:-1]])
        gained = self.values + self.outflows - before - self.inflows
        return [(self.day(int(n)), float(gained[n])) for n in np.flatnonzero(self.apart)]

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
    # All that came on a day without holdings was used up by costs.
    empty = (np.abs(before) < NOTHING) & (np.abs(values) < NOTHING) & (outflows < NOTHING)
    working = (capital >= NOTHING) & ~empty
    unpaid = (capital < NOTHING) | empty
    apart = unpaid & (np.abs(gained) >= NOTHING)
    apart[0] = False
    returns = np.full(len(values), np.nan)
    np.divide(gained, capital, out=returns, where=working)
    returns[unpaid] = 0.0
    returns[returns < -1.0 - 1e-12] = np.nan
    returns[0] = 0.0
    funded = np.flatnonzero(working[1:]) + 1
    base = 0
    if abs(values[0]) < NOTHING and len(funded):
        base = int(funded[0])
    returns[:base] = 0.0
    return Daily(first, values, inflows, outflows, returns, apart, base)


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
    return absent("no_capital", f"On {day} more than all the invested money was lost.")


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


def money_weighted(series: Daily) -> tuple[Figure, Figure]:
    """Return the money-weighted return of the period, and as a yearly rate (XIRR).

    The flows are the value before, those of each day and the value at the end.
    """
    flows = _flows(series)
    if isinstance(flows, Figure):
        return flows, flows
    moved = np.flatnonzero(np.abs(flows) >= NOTHING)
    if not len(moved):
        none = absent("no_flows", "There were no deposits or withdrawals.")
        return none, none
    return _rates(moved, flows[moved], days=series.days)


def _flows(series: Daily) -> Floats | Figure:
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
    return flows


def xirr(days: Sequence[date], amounts: Sequence[float]) -> Figure:
    """Return the yearly rate at which the flows have no present value; paid in < 0, out > 0."""
    numbers = np.array([(day - days[0]).days for day in days], dtype=np.int64)
    _, yearly = _rates(numbers, np.array(amounts), days=int(numbers[-1]))
    return yearly


def _rates(
    numbers: NDArray[np.integer[Any]], amounts: Floats, *, days: int
) -> tuple[Figure, Figure]:
    """Return the rate of the period of `days` days, and the yearly rate.

    Every sign change of the net present value is found. Several mean several rates; see `_chosen`.
    A total loss is -100 %.
    """
    spread = (numbers - numbers[0]).astype(np.float64)
    if not (amounts > 0).any() and days > 0:
        return _both(Figure(-1.0))
    if spread[-1] == 0 or days == 0:
        return _both(absent("too_short", "All deposits and withdrawals are on one day."))
    if not (amounts < 0).any():
        return _both(absent("no_flows", "There was no deposit."))
    t = spread / days
    signs = _signs_at(_GRID, t, amounts)
    known = np.flatnonzero(signs)
    turns = [
        (float(_GRID[i]), float(_GRID[j]))
        for i, j in zip(known, known[1:], strict=False)
        if signs[i] != signs[j]
    ]
    if not turns:
        return _both(
            absent("no_rate", "No rate of return explains these deposits and withdrawals.")
        )
    roots = [_bisected(low, high, t, amounts) for low, high in turns]
    found = roots[0] if len(roots) == 1 else _chosen(roots, amounts, days)
    if found is None:
        text = f"{len(roots)} rates of return explain these flows, so none is shown."
        return _both(absent("several_rates", text))
    # Compared as logarithms: the rate itself may be beyond every float.
    a_year = found * DAYS_PER_YEAR / days
    short = absent("too_short", "The period is too short for a yearly rate.")
    return (
        short if found > _LARGEST else Figure(math.expm1(found)),
        short if a_year > math.log1p(RATE_MAX) else Figure(math.expm1(a_year)),
    )


def _both(figure: Figure) -> tuple[Figure, Figure]:
    return figure, figure


def _chosen(roots: Sequence[float], amounts: Floats, days: int) -> float | None:
    """Return the one of several rates that is meant; None if two are plausible.

    If the cumulated flows change their sign once and do not end at zero, exactly one rate is
    positive (Norstroem 1972). Else a yearly rate below EDGE is an artefact beside a plausible one.
    """
    sums = np.cumsum(amounts)
    signs = np.sign(sums[np.abs(sums) >= NOTHING])
    positive = [root for root in roots if root > 0]
    once = np.count_nonzero(np.diff(signs)) == 1 and abs(sums[-1]) >= NOTHING
    if once and len(positive) == 1:
        return positive[0]
    edge = math.log1p(EDGE) * days / DAYS_PER_YEAR
    plausible = [root for root in roots if root > edge]
    return plausible[0] if len(plausible) == 1 else None


def _sign_at(u: float, t: Floats, a: Floats) -> int:
    return int(_signs_at(np.array([u]), t, a)[0])


def _signs_at(rates: Floats, t: Floats, a: Floats) -> NDArray[np.int64]:
    """Return the signs of the net present value at log rates, without overflow."""
    found = np.zeros(len(rates), dtype=np.int64)
    size = max(1, _AT_ONCE // len(t))
    for start in range(0, len(rates), size):
        exponents = -np.outer(rates[start : start + size], t)
        factors = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        values, scales = (a * factors).sum(axis=1), (np.abs(a) * factors).sum(axis=1)
        signs = np.where(values > 0, 1, -1)
        found[start : start + size] = np.where(np.abs(values) <= 1e-13 * scales, 0, signs)
    return found


def _bisected(low: float, high: float, t: Floats, a: Floats) -> float:
    at_low = _sign_at(low, t, a)
    for _ in range(200):
        middle = (low + high) / 2
        sign = _sign_at(middle, t, a)
        if sign == 0:
            return middle
        low, high = (middle, high) if sign == at_low else (low, middle)
    return (low + high) / 2


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
