"""Figures of a series of daily returns, and whether two Sharpe ratios differ. Pure, in numpy.

    return       (product of 1 + r) ^ (252 / sessions) - 1
    volatility   sample deviation of r x sqrt(252)
    Sharpe       mean(x) / sample deviation(x) x sqrt(252), x = r - f (Sharpe 1994)
    drawdown     the deepest fall of the index from its highest value before, at most 0
    test         difference of the Sharpe ratios of one session, and its standard error by the delta
                 method with autocorrelation and unequal tails allowed for: moments (a, b, a^2, b^2)
                 with Bartlett weights up to floor(4 (T / 100)^(2/9)) lags (Ledoit and Wolf, "Robust
                 performance hypothesis testing with the Sharpe ratio", J. Empirical Finance 15
                 (2008) 850, section 3.1; lags by Newey and West 1994). The p-value is two-sided
                 normal. The difference is told apart from zero below 5 %

No random numbers are drawn, so there is no seed to keep.
"""

import math
from dataclasses import dataclass

import numpy as np

from recommendations.allocations.covariance import Floats

SESSIONS_OF_YEAR = 252
LEVEL = 0.05
TEST = "Ledoit-Wolf 2008 (HAC) for the difference of two Sharpe ratios"


@dataclass(frozen=True, slots=True)
class Figures:
    """Yearly figures; sharpe is None where the excess returns do not vary."""

    yearly_return: float
    volatility: float
    sharpe: float | None
    drawdown: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The Sharpe ratio of the first series less that of the second, yearly, and its test."""

    sharpe: float
    standard_error: float
    p_value: float

    @property
    def is_told_apart(self) -> bool:
        return self.p_value < LEVEL


def figures(returns: Floats, risk_free: Floats) -> Figures:
    """Return the figures of daily returns; `risk_free` is the rate of the same sessions."""
    index = np.concatenate([[1.0], np.cumprod(1 + returns)])
    falls = index / np.maximum.accumulate(index) - 1
    final = max(float(index[-1]), 0.0)
    excess = returns - risk_free
    deviation = float(np.std(excess, ddof=1))
    return Figures(
        final ** (SESSIONS_OF_YEAR / len(returns)) - 1,
        float(np.std(returns, ddof=1)) * math.sqrt(SESSIONS_OF_YEAR),
        float(excess.mean()) / deviation * math.sqrt(SESSIONS_OF_YEAR)
        if deviation > 1e-12
        else None,
        float(falls.min()),
    )


def sharpe_difference(one: Floats, other: Floats) -> Difference | None:
    """Return the difference of the Sharpe ratios of two series of excess returns.

    None where one of them does not vary, or both are the same.
    """
    count = len(one)
    means = np.array([one.mean(), other.mean()])
    squares = np.array([(one**2).mean(), (other**2).mean()])
    variances = np.array([one.var(), other.var()])
    if float(variances.min()) <= 1e-20 or float(np.abs(one - other).max()) < 1e-12:
        return None
    difference = float(means[0] / math.sqrt(variances[0]) - means[1] / math.sqrt(variances[1]))
    moments = np.column_stack([one, other, one**2, other**2])
    slopes = np.array(
        [
            squares[0] / variances[0] ** 1.5,
            -squares[1] / variances[1] ** 1.5,
            -means[0] / (2 * variances[0] ** 1.5),
            means[1] / (2 * variances[1] ** 1.5),
        ]
    )
    spread = float(slopes @ _long_run(moments) @ slopes)
    error = math.sqrt(max(spread, 0.0) / count)
    if error <= 1e-15:
        return None
    year = math.sqrt(SESSIONS_OF_YEAR)
    p_value = math.erfc(abs(difference) / error / math.sqrt(2))
    return Difference(difference * year, error * year, p_value)


def _long_run(moments: Floats) -> Floats:
    """Return the covariance of a mean of autocorrelated rows, times their number."""
    count = len(moments)
    centered = moments - moments.mean(axis=0)
    total: Floats = centered.T @ centered / count
    lags = math.floor(4 * (count / 100) ** (2 / 9))
    for lag in range(1, lags + 1):
        part = centered[lag:].T @ centered[:-lag] / count
        total = total + (1 - lag / (lags + 1)) * (part + part.T)
    return total
