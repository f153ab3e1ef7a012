"""Risk of a period: volatility, drawdown, Sharpe ratio. Pure; float64 arrays.

    observations   sessions: weekdays on which something held had a close of its own. Gains of the
                   days between belong to the next session, so that weekends count once
    volatility     sample deviation of ln(G_k / G_{k-1}) * sqrt(252)
    drawdown       G_d / max(G_0..G_d) - 1 over all days; the deepest, from its peak to the day the
                   peak is reached again (or to the end), never above 0
    Sharpe         mean(x) / sample deviation(x) * sqrt(252), x = r_k - f_k, r_k simple return of a
                   session, f_k = (1 + y)^(days / 365) - 1 with the yield y known before it
                   (Sharpe 1994)

The day on which the first money arrived is no observation, because it is not a whole day.
Annualized figures need prices on at least six of ten weekdays; otherwise they are absent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.figures import Figure, absent
from portfolios.performance.returns import DAYS_PER_YEAR, Daily, Floats

SESSIONS_PER_YEAR = 252
_DENSITY_MIN = 0.6
_YIELD_AGE_MAX = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall. `length_days` runs from the peak to the recovery, or to the end."""

    depth: float
    peak_date: date
    trough_date: date
    recovery_date: date | None
    length_days: int


@dataclass(frozen=True, slots=True)
class RiskFree:
    """The risk-free series: its name, and yearly yields as fractions by ascending day."""

    name: str
    days: Sequence[date]
    yields: Sequence[float]


@dataclass(frozen=True, slots=True)
class Sessions:
    """The observed days as indices into the daily arrays, the base first; or why there are none."""

    days: NDArray[np.int64]
    problem: Figure | None = None


def sessions(series: Daily, priced: NDArray[np.bool_]) -> Sessions:
    """Return the observations; `priced[d]`: a holding of day d or d - 1 had a close on day d."""
    number = np.arange(len(series.values))
    weekday = (series.first.toordinal() - 1 + number) % 7 < 5
    inside = number > series.base
    found = np.flatnonzero(priced & weekday & inside)
    if len(found) < 2:
        return Sessions(
            found, absent("too_short", "The period has fewer than two sessions with prices.")
        )
    if np.isnan(series.index).any():
        return Sessions(
            found, absent("no_return", "The return of a day in the period is not known.")
        )
    spread = np.count_nonzero(weekday[found[0] : found[-1] + 1])
    if len(found) < _DENSITY_MIN * spread:
        return Sessions(
            found,
            absent(
                "prices_too_sparse",
                f"Only {len(found)} of {spread} weekdays had prices. At least six of ten are "
                "needed.",
            ),
        )
    return Sessions(np.concatenate([[series.base], found]))


def volatility(series: Daily, observed: Sessions) -> Figure:
    """Return the deviation of daily log returns, annualized."""
    if observed.problem is not None:
        return observed.problem
    index = series.index[observed.days]
    if (index <= 0).any():
        return absent("total_loss", "The whole value was lost, so the volatility is not defined.")
    logs = np.diff(np.log(index))
    return Figure(float(np.std(logs, ddof=1)) * math.sqrt(SESSIONS_PER_YEAR))


def deepest(series: Daily) -> Drawdown | None:
    """Return the deepest drawdown: depth 0 if it never fell, None if a return is missing."""
    # The first day may lose too: its peak is the close before the first money.
    start = max(series.base - 1, 0)
    index = series.index[start:]
    if np.isnan(index).any() or len(index) < 2:
        return None
    peaks = np.maximum.accumulate(index)
    falls = index / peaks - 1.0
    trough = int(np.argmin(falls))
    depth = float(falls[trough])
    if depth > -1e-14:
        first = series.day(start)
        return Drawdown(0.0, first, first, first, 0)
    peak = int(np.flatnonzero(index[: trough + 1] == peaks[trough])[-1])
    back = np.flatnonzero(index[trough:] >= peaks[trough] * (1 - 1e-14))
    recovery = trough + int(back[0]) if len(back) else None
    end = recovery if recovery is not None else len(index) - 1
    return Drawdown(
        depth,
        series.day(start + peak),
        series.day(start + trough),
        None if recovery is None else series.day(start + recovery),
        end - peak,
    )


def sharpe(series: Daily, observed: Sessions, risk_free: RiskFree | None, currency: str) -> Figure:
    """Return the excess return per unit of risk over the risk-free series, annualized."""
    if observed.problem is not None:
        return observed.problem
    if risk_free is None or not risk_free.days:
        return absent("risk_free_absent", f"No risk-free series in {currency} is loaded.")
    starts = observed.days[:-1]
    known = np.array([day.toordinal() for day in risk_free.days])
    wanted = starts + series.first.toordinal()
    place = np.searchsorted(known, wanted, side="right") - 1
    if place[0] < 0:
        return absent(
            "risk_free_too_late",
            f"The risk-free series {risk_free.name} begins on {risk_free.days[0]}, after the "
            "period starts.",
        )
    if (wanted - known[place]).max() > _YIELD_AGE_MAX.days:
        return absent(
            "risk_free_gap", f"The risk-free series {risk_free.name} does not cover the period."
        )
    lengths: Floats = np.diff(observed.days).astype(np.float64)
    yields = np.array(risk_free.yields, dtype=np.float64)[place]
    free = np.expm1(np.log1p(yields) * lengths / DAYS_PER_YEAR)
    index = series.index[observed.days]
    if (index[:-1] <= 0).any():
        return absent("total_loss", "The whole value was lost before the end of the period.")
    excess = index[1:] / index[:-1] - 1.0 - free
    deviation = float(np.std(excess, ddof=1))
    if deviation < 1e-15:
        return absent("no_risk", "The returns do not vary, so the Sharpe ratio is not defined.")
    return Figure(float(np.mean(excess)) / deviation * math.sqrt(SESSIONS_PER_YEAR))
