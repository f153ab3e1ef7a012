"""The quadratic program of portfolio weights, solved by an active set. Pure, in numpy.

    minimize   w'Qw / 2 - c'w      Q positive definite
    such that  sum w = 1,  lower <= w <= upper,  and optionally share'w <= most

Primal active set (Nocedal and Wright, Numerical Optimization, algorithm 16.3): from a feasible
point, solve the program with the active bounds as equations; step as far as the first bound that
blocks; where no step is left, release the bound with the lowest index whose multiplier is negative
(Bland's rule, so that it ends). A blocking bound is independent of the active ones, so the system
of equations stays regular. Each step solves a dense system of the weights that are at no bound.

Worked example: Q = diag(1, 2), c = 0, bounds 0 and 1: w = (2/3, 1/3).
"""

from dataclasses import dataclass

import numpy as np

from core.errors import InvalidInput
from recommendations.allocations.covariance import Floats

_STILL = 1e-12
_NEGATIVE = -1e-10


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower and upper weight of each asset, fractions."""

    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class Cap:
    """The assets whose weights sum to at most `most`: 1 or 0 by asset."""

    share: Floats
    most: float


def ensure_feasible(bounds: Bounds) -> None:
    """Refuse bounds that no portfolio can meet."""
    if float(bounds.lower.sum()) > 1 + 1e-9 or float(bounds.upper.sum()) < 1 - 1e-9:
        raise InvalidInput(
            "No weights within these bounds sum to 100 percent. The lower bounds may sum to at "
            "most 100, and the upper ones to at least 100.",
            code="bounds_infeasible",
        )


def least_capped(bounds: Bounds, cap: Cap) -> float:
    """Return the smallest sum of the capped assets that the bounds allow."""
    free = 1 - cap.share
    room = float((bounds.upper * free).sum())
    return max(float((bounds.lower * cap.share).sum()), 1 - room)


def minimized(quadratic: Floats, linear: Floats, bounds: Bounds, cap: Cap | None = None) -> Floats:
    """Return the weights of the least w'Qw / 2 - c'w; the bounds and the cap must be feasible."""
    width = len(linear)
    share = np.zeros(width) if cap is None else cap.share
    weights = _start(bounds, share)
    active: list[int] = []
    for _ in range(100 * (width + 2)):
        step, multipliers = _solved(quadratic, quadratic @ weights - linear, share, active)
        if float(np.abs(step).max()) < _STILL:
            negative = [n for n, one in zip(active, multipliers, strict=True) if one < _NEGATIVE]
            if not negative:
                return np.clip(weights, bounds.lower, bounds.upper)
            active.remove(min(negative))
            continue
        length, blocking = _length(bounds, cap, weights, step, active)
        weights = weights + length * step
        if blocking is not None:
            active.append(blocking)
    raise AssertionError("the active set did not settle; the program is not convex")


def projected(wanted: Floats, bounds: Bounds) -> Floats:
    """Return the weights within the bounds that are nearest to the wanted ones."""
    return minimized(np.eye(len(wanted)), wanted, bounds)


def _start(bounds: Bounds, share: Floats) -> Floats:
    """Return a feasible point: the lower bounds, then the assets outside the cap filled first."""
    weights = bounds.lower.copy()
    for place in np.argsort(share, kind="stable"):
        left = 1 - float(weights.sum())
        weights[place] += min(max(left, 0.0), float(bounds.upper[place] - weights[place]))
    return weights


def _solved(
    quadratic: Floats, gradient: Floats, share: Floats, active: list[int]
) -> tuple[Floats, list[float]]:
    """Return the step to the least value on the active bounds, and their multipliers.

    Bounds are numbered: the lower ones, the upper ones, the cap. A weight at a bound stands still,
    so only the free ones are solved for.
    """
    width = len(gradient)
    capped = 2 * width in active
    free = np.ones(width, np.bool_)
    free[[n % width for n in active if n < 2 * width]] = False
    rows = np.vstack([np.ones(width), share])[: 1 + capped]
    count, size = len(rows), int(free.sum())
    equations = np.zeros((size + count, size + count))
    equations[:size, :size] = quadratic[np.ix_(free, free)]
    equations[:size, size:] = rows[:, free].T
    equations[size:, :size] = rows[:, free]
    right = np.concatenate([-gradient[free], np.zeros(count)])
    # Where no weight is free, no combination of prices is the only one: take the smallest.
    found = (
        np.linalg.solve(equations, right)
        if size >= count
        else np.linalg.lstsq(equations, right, rcond=None)[0]
    )
    step = np.zeros(width)
    step[free] = found[:size]
    slope = quadratic @ step + gradient + rows.T @ found[size:]
    return step, [
        float(found[-1]) if n == 2 * width else float(slope[n % width]) * (1 if n < width else -1)
        for n in active
    ]


def _length(
    bounds: Bounds, cap: Cap | None, weights: Floats, step: Floats, active: list[int]
) -> tuple[float, int | None]:
    """Return how far the step may go, up to 1, and the first bound that stops it."""
    slopes = np.concatenate([-step, step, [0.0 if cap is None else float(cap.share @ step)]])
    above = 0.0 if cap is None else cap.most - float(cap.share @ weights)
    room = np.concatenate([weights - bounds.lower, bounds.upper - weights, [above]])
    slopes[active] = 0.0
    possible = np.full(len(slopes), np.inf)
    np.divide(np.maximum(room, 0.0), slopes, out=possible, where=slopes > _STILL)
    first = int(np.argmin(possible))
    return (float(possible[first]), first) if possible[first] < 1 else (1.0, None)
