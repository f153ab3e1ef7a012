"""The models: weights that sum to 1 from a window of daily returns. Pure, in numpy.

    equal_weight               1/N
    minimum_variance           least w'Cw
    mean_variance              greatest mu'w - g w'Cw / 2, g = 3 (risk aversion); C shrunk by
                               Ledoit and Wolf, mu by Bayes and Stein. With a limit of volatility,
                               g rises until the limit is kept (Markowitz 1952)
    risk_parity                w_i (Cw)_i equal for all i: the least of w'Cw / 2 - sum ln(w_i) / N,
                               scaled, by cyclical descent (Maillard, Roncalli, Teiletche 2010;
                               Griveau-Billion, Richard, Roncalli 2013)
    hierarchical_risk_parity   single linkage of the distances sqrt((1 - correlation) / 2); the
                               leaves, in the order of the tree, are halved again and again, and
                               the halves share their weight by the inverse of the variance that
                               each has under inverse-variance weights (Lopez de Prado 2016)

Bounds and the share of equity enter the programs of the two variance models. Weights of the other
models are moved to the nearest ones within the bounds.

Worked example: two assets without correlation, volatilities 10 % and 20 %: minimum variance 0.8 and
0.2; risk parity and hierarchical risk parity 2/3 and 1/3, and 0.8 and 0.2.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from core.errors import InvalidInput
from recommendations.allocations.covariance import Floats, bayes_stein, ledoit_wolf
from recommendations.allocations.programs import (
    Bounds,
    Cap,
    least_capped,
    minimized,
    projected,
)

SESSIONS_OF_YEAR = 252
RISK_AVERSION = 3.0
_AVERSION_MAX = 1e6
_ROUNDS_MAX = 10_000
# Of the logarithm of the risk aversion, whose range is then 4e-7 wide.
_HALVINGS = 25


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds by asset; and of the whole, the volatility of a year and the share of equity.

    equity: 1 for an asset that counts as equity, else 0.
    """

    bounds: Bounds
    equity: Floats
    volatility_max: float | None = None
    equity_max: float | None = None


@dataclass(frozen=True, slots=True)
class Weighted:
    """Weights within the bounds, fractions that sum to `1 - cash`; the rest is cash.

    moved: whether bounds changed what the model wanted.
    """

    weights: Floats
    cash: float
    covariance: Floats
    shrinkage: float
    moved: bool


_Weigher = Callable[[Floats, Floats, Limits], Floats]


def weighted(model: str, returns: Floats, limits: Limits) -> Weighted:
    """Return the weights of a model fitted on these returns, and the cash that limits require."""
    if not returns.any():
        raise InvalidInput(
            "No price moved in a part of the history, so no risk can be measured. Choose fewer "
            "years or other symbols.",
            code="prices_never_move",
        )
    shrunk = ledoit_wolf(returns)
    wanted = MODELS[model](returns, shrunk.covariance, limits)
    within = projected(wanted, limits.bounds)
    moved = bool(np.abs(within - wanted).max() > 1e-6)
    kept = wanted if not moved else within
    risky = _risky_part(kept, shrunk.covariance, limits)
    return Weighted(kept * risky, 1 - risky, shrunk.covariance, shrunk.intensity, moved)


def yearly_volatility(weights: Floats, covariance: Floats) -> float:
    """Return the volatility of a year that the covariance of one session gives."""
    return math.sqrt(max(float(weights @ covariance @ weights), 0.0) * SESSIONS_OF_YEAR)


def risk_shares(weights: Floats, covariance: Floats) -> Floats:
    """Return what part of the variance each weight brings; they sum to 1 unless all are zero."""
    parts: Floats = weights * (covariance @ weights)
    total = float(parts.sum())
    return parts / total if total > 0 else parts


def _risky_part(weights: Floats, covariance: Floats, limits: Limits) -> float:
    """Return the largest part that may be outside cash under the limits of the whole."""
    part = 1.0
    if limits.volatility_max is not None:
        volatility = yearly_volatility(weights, covariance)
        if volatility > limits.volatility_max * (1 + 1e-9):
            part = limits.volatility_max / volatility
    if limits.equity_max is not None:
        equity = float(weights @ limits.equity)
        if equity * part > limits.equity_max + 1e-12:
            part = limits.equity_max / equity
    return part


def _equal_weight(returns: Floats, covariance: Floats, limits: Limits) -> Floats:
    width = returns.shape[1]
    return np.full(width, 1 / width)


def _cap(limits: Limits) -> Cap | None:
    """Return the cap on equity as far as the bounds leave room for it; cash does the rest."""
    if limits.equity_max is None or not limits.equity.any():
        return None
    cap = Cap(limits.equity, limits.equity_max)
    return Cap(limits.equity, max(limits.equity_max, least_capped(limits.bounds, cap)))


def _minimum_variance(returns: Floats, covariance: Floats, limits: Limits) -> Floats:
    scale = float(np.trace(covariance)) / len(covariance)
    return minimized(covariance / scale, np.zeros(len(covariance)), limits.bounds, _cap(limits))


def _mean_variance(returns: Floats, covariance: Floats, limits: Limits) -> Floats:
    means = bayes_stein(returns, covariance)
    scale = float(np.trace(covariance)) / len(covariance)

    def at(aversion: float) -> Floats:
        return minimized(
            covariance / scale, means / (aversion * scale), limits.bounds, _cap(limits)
        )

    def is_calm(weights: Floats) -> bool:
        most = limits.volatility_max
        return most is None or yearly_volatility(weights, covariance) <= most

    low, found = RISK_AVERSION, at(RISK_AVERSION)
    if is_calm(found):
        return found
    if not is_calm(at(_AVERSION_MAX)):
        return at(_AVERSION_MAX)
    high = _AVERSION_MAX
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        found = at(middle)
        low, high = (low, middle) if is_calm(found) else (middle, high)
    return at(high)


def _risk_parity(returns: Floats, covariance: Floats, limits: Limits) -> Floats:
    width = len(covariance)
    scaled = covariance / (float(np.trace(covariance)) / width)
    weights = 1 / np.sqrt(np.diag(scaled))
    share = 1 / width
    for _ in range(_ROUNDS_MAX):
        before = weights.copy()
        for n in range(width):
            variance = scaled[n, n]
            others = float(scaled[n] @ weights) - variance * weights[n]
            weights[n] = (math.sqrt(others * others + 4 * variance * share) - others) / (
                2 * variance
            )
        if float(np.abs(weights / before - 1).max()) < 1e-13:
            break
    else:
        raise AssertionError("risk parity did not settle")
    parity: Floats = weights / weights.sum()
    return parity


def _hierarchical(returns: Floats, covariance: Floats, limits: Limits) -> Floats:
    deviations = np.sqrt(np.diag(covariance))
    correlation = np.clip(covariance / np.outer(deviations, deviations), -1, 1)
    order = tree_order(np.sqrt((1 - correlation) / 2))
    weights = np.ones(len(covariance))
    waiting = [order]
    while waiting:
        leaves = waiting.pop()
        if len(leaves) < 2:
            continue
        left, right = leaves[: len(leaves) // 2], leaves[len(leaves) // 2 :]
        variance_left = _cluster_variance(covariance, left)
        variance_right = _cluster_variance(covariance, right)
        share = variance_right / (variance_left + variance_right)
        weights[left] *= share
        weights[right] *= 1 - share
        waiting += [left, right]
    return weights


def _cluster_variance(covariance: Floats, leaves: list[int]) -> float:
    inner = covariance[np.ix_(leaves, leaves)]
    inverse = 1 / np.diag(inner)
    weights = inverse / inverse.sum()
    return float(weights @ inner @ weights)


def tree_order(distances: Floats) -> list[int]:
    """Return the leaves of the single-linkage tree from left to right.

    Clusters are joined nearest first, ties by their places; the older cluster stands left.
    """
    width = len(distances)
    clusters: dict[int, list[int]] = {n: [n] for n in range(width)}
    owner = list(range(width))
    pairs = sorted(
        (float(distances[i, j]), i, j) for i in range(width) for j in range(i + 1, width)
    )
    made = width
    for _, i, j in pairs:
        one, other = sorted((owner[i], owner[j]))
        if one == other:
            continue
        joined = clusters.pop(one) + clusters.pop(other)
        clusters[made] = joined
        for leaf in joined:
            owner[leaf] = made
        made += 1
    (order,) = clusters.values()
    return order


MODELS: Mapping[str, _Weigher] = MappingProxyType(
    {
        "equal_weight": _equal_weight,
        "minimum_variance": _minimum_variance,
        "mean_variance": _mean_variance,
        "risk_parity": _risk_parity,
        "hierarchical_risk_parity": _hierarchical,
    }
)
