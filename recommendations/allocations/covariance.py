"""Covariance and expected returns, shrunk. Pure, in numpy; returns are (sessions, assets).

    ledoit_wolf   (1 - d) S + d m I: S the sample covariance (divided by T, of centered returns), m
                  the mean of its diagonal, d = min(b, D) / D in [0, 1] with
                  D = |S - m I|^2,  b = sum over sessions of |x x' - S|^2 / T^2
                  in the Frobenius norm (Ledoit and Wolf, "A well-conditioned estimator for
                  large-dimensional covariance matrices", J. Multivariate Analysis 88 (2004) 365)
    bayes_stein   (1 - w) mu + w m0 1: m0 the mean of the minimum-variance portfolio,
                  w = (N + 2) / (N + 2 + T (mu - m0 1)' C^-1 (mu - m0 1))
                  (Jorion, "Bayes-Stein estimation for portfolio analysis", J. Financial and
                  Quantitative Analysis 21 (1986) 279), with C the shrunk covariance

The sum in b needs no loop: sum |x x'|^2 = sum (x'x)^2, and sum <x x', S> = T |S|^2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A shrunk covariance of one session, and how far it was shrunk (0 to 1)."""

    covariance: Floats
    intensity: float


def ledoit_wolf(returns: Floats) -> Shrunk:
    """Return the covariance shrunk towards equal variances without correlation."""
    count, width = returns.shape
    centered = returns - returns.mean(axis=0)
    sample = centered.T @ centered / count
    level = float(np.trace(sample)) / width
    target = level * np.eye(width)
    distance = float(((sample - target) ** 2).sum())
    squares = float((sample**2).sum())
    lengths = (centered**2).sum(axis=1)
    noise = (float((lengths**2).sum()) / count - squares) / count
    intensity = 1.0 if distance <= 0 else min(max(noise, 0.0), distance) / distance
    return Shrunk((1 - intensity) * sample + intensity * target, intensity)


def bayes_stein(returns: Floats, covariance: Floats) -> Floats:
    """Return the mean return of a session by asset, shrunk towards one common mean."""
    count, width = returns.shape
    means = returns.mean(axis=0)
    ones = np.ones(width)
    inverse_ones = np.linalg.solve(covariance, ones)
    common = float(inverse_ones @ means) / float(inverse_ones @ ones)
    apart = means - common
    spread = float(apart @ np.linalg.solve(covariance, apart))
    weight = (width + 2) / (width + 2 + count * spread)
    shrunk: Floats = (1 - weight) * means + weight * common
    return shrunk
