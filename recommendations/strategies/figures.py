"""The figures of a record or of a backtest, from its daily values. Pure.

    return of 1, 3, 5 years   V_end / V_start - 1, V_start the value on the day so many years before
                              the last one, or the last recorded one before it. A record that began
                              later has no such figure
    year to date              the same from the last day of the year before
    annualized                above one year only (GIPS 2020, provision 2.A.7)
    volatility, Sharpe,       as of any portfolio: `portfolios.performance.risk`. A record of less
    drawdown                  than 90 days has no yearly figures and no place in a ranking
    turnover, cost            what the days add up to, times 365 / days

The tax drag is absent: what a rebalance costs in tax depends on the lots, rates and account of the
person who follows, and the published rates of a highest bracket are nobody's. The transition plan
of an account computes it from its own lots.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from portfolios.performance.figures import Figure, absent
from portfolios.performance.returns import DAYS_PER_YEAR, Daily, annualized, daily
from portfolios.performance.risk import (
    Drawdown,
    RiskFree,
    Sessions,
    deepest,
    sessions,
    sharpe,
    volatility,
)

RANKED_DAYS_MIN = 90
YEARS = (1, 3, 5)
# Values of one are shown to the engine of portfolios as ten thousand: it has a smallest amount.
_SCALE = 10_000.0

TAX_DRAG = absent(
    "tax_of_each_follower",
    "The tax of a rebalance depends on the lots, rates and account of the person who follows. The "
    "transition plan of an account shows it.",
)


@dataclass(frozen=True, slots=True)
class Point:
    """A recorded day as it is stored: values are 1 at the base, or null for a benchmark."""

    day: date
    value: float
    benchmark: float | None
    turnover: float
    cost: float
    session: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A return from the close of `since` to the last day, and the benchmark's."""

    name: str
    since: date | None
    value: Figure
    annualized: Figure
    benchmark: Figure


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a page says of a run of recorded days."""

    first: date
    last: date
    days: int
    windows: tuple[Window, ...]
    volatility: Figure
    sharpe: Figure
    max_drawdown: Figure
    drawdown: Drawdown | None
    turnover: Figure
    cost: Figure
    tax_drag: Figure = TAX_DRAG

    @property
    def ranked(self) -> bool:
        return self.days >= RANKED_DAYS_MIN

    def window(self, name: str) -> Window:
        return next(one for one in self.windows if one.name == name)


def figures(
    *, points: Sequence[Point], risk_free: RiskFree | None, currency: str
) -> Figures | None:
    """Return the figures of recorded days, ascending; None if there is no day."""
    if not points:
        return None
    first, last = points[0].day, points[-1].day
    days = (last - first).days
    series, observed = _daily(points)
    short = _too_short(days)
    found = deepest(series) if days else None
    no_days = absent("too_short", "The record has only its first day.")
    return Figures(
        first=first,
        last=last,
        days=days,
        windows=_windows(points),
        volatility=short or volatility(series, observed),
        sharpe=short or sharpe(series, observed, risk_free, currency),
        max_drawdown=Figure(found.depth) if found is not None else no_days,
        drawdown=found,
        turnover=short or Figure(_yearly([one.turnover for one in points], days)),
        cost=short or Figure(_yearly([one.cost for one in points], days)),
    )


def _too_short(days: int) -> Figure | None:
    if days >= RANKED_DAYS_MIN:
        return None
    return absent(
        "record_too_short",
        f"The record has {days} of the {RANKED_DAYS_MIN} days that this figure needs.",
    )


def _daily(points: Sequence[Point]) -> tuple[Daily, Sessions]:
    """Return values of every calendar day, carried over weekends, and the sessions among them."""
    first = points[0].day.toordinal()
    at = np.array([one.day.toordinal() - first for one in points])
    count = int(at[-1]) + 1
    place = np.searchsorted(at, np.arange(count), side="right") - 1
    values = np.array([one.value for one in points])[place] * _SCALE
    none = np.zeros(count)
    priced = np.zeros(count, dtype=bool)
    priced[at] = [one.session for one in points]
    series = daily(first=points[0].day, values=values, inflows=none, outflows=none)
    return series, sessions(series, priced)


def _yearly(parts: Sequence[float], days: int) -> float:
    return sum(parts) * DAYS_PER_YEAR / days


def _windows(points: Sequence[Point]) -> tuple[Window, ...]:
    last = points[-1].day
    starts = [("ytd", date(last.year - 1, 12, 31))]
    starts += [(f"{years}y", _years_before(last, years)) for years in YEARS]
    found = [_window(name, since, points) for name, since in starts]
    return (*found, _window("whole", points[0].day, points))


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # February 29
        return day.replace(year=day.year - years, day=28)


def _window(name: str, since: date, points: Sequence[Point]) -> Window:
    last = points[-1]
    base = next((one for one in reversed(points) if one.day <= since), None)
    if base is None or base is last:
        why = absent(
            "record_too_short",
            f"The record begins on {points[0].day}, so it has no return since {since}.",
        )
        return Window(name, None, why, why, why)
    # The first day pays for the purchases: the whole begins with one, before them.
    start = 1.0 if name == "whole" else base.value
    value = Figure(last.value / start - 1.0)
    # A year that begins with a Friday's close is a day or two longer, and no more than one year.
    days = (last.day - base.day).days if name not in ("ytd", "1y") else DAYS_PER_YEAR
    if base.benchmark is None or last.benchmark is None:
        beside = absent("benchmark_price_missing", "The benchmark has no prices for this time.")
    else:
        beside = Figure(last.benchmark / base.benchmark - 1.0)
    return Window(name, base.day, value, annualized(value, days=days), beside)
