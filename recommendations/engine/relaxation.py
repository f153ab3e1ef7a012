"""The hull problem of solver.py: convex pieces sorted by slope, filled until the cash fits.

    minimize  sum_i hull_i(z_i)   subject to   sum_i z_i = 0   (cash is the last: z_c = c0 - c)

Every curve starts at its left end; pieces are taken in rising slope until the sum reaches 0. The
result is exact for the hulls, hence a lower bound for the curves. Equal slopes are taken by item,
then by place on the curve. All sums run in one fixed order, so equal problems give equal floats.

Worked example: pieces (slope 0.02, length 200) of B, (0.10, 1000) of A, (0.30, 800) of B, and 300
dollars to raise. B's first piece is taken whole, A's up to 100; bound 0.02 x 200 + 0.10 x 100 = 14.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.hulls import LINEAR, Curve, Item, Penalty, curve, lower_hull

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The error in dollars that a float sum of the cash row may have: far below a cent, above its noise.
CASH_NOISE = 1e-6


@dataclass(frozen=True, slots=True)
class Program:
    """The solver's input: dollars and shares as floats, items in canonical order."""

    items: tuple[Item, ...]
    cash: float
    cash_floor: float
    cash_phi: Penalty
    account_value: float
    node_limit: int = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One curve in one node: its points, the hull's indices, and the hull's pieces."""

    points: Curve
    hull: list[int]
    slopes: list[float]
    lengths: list[float]
    without_losses: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """The root: every curve, and all pieces sorted by (slope, item, place on the curve)."""

    program: Program
    parts: list[Part]
    slopes: Floats
    lengths: Floats
    owners: Ints
    start_cash: float
    start_cost: float
    groups: list[list[int]]


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The solution of the hull problem: its full pieces, and the place on the fractional curve."""

    bound: float
    owner: int
    at_cash: float
    slope: float
    full: Ints
    parts: dict[int, Part]


def base_of(program: Program) -> Base:
    parts = [part_from(curve(item=item)) for item in program.items]
    highest = program.cash + math.fsum(part.points.cash[-1] for part in parts)
    parts.append(part_from(_cash_curve(program, highest)))
    slopes = np.array([slope for part in parts for slope in part.slopes])
    lengths = np.array([length for part in parts for length in part.lengths])
    owners = np.repeat(np.arange(len(parts)), [len(part.slopes) for part in parts])
    # Pieces are in order of (item, place), so a stable sort by slope breaks ties in that order.
    order = np.argsort(slopes, kind="stable")
    return Base(
        program=program,
        parts=parts,
        slopes=slopes[order],
        lengths=lengths[order],
        owners=owners[order],
        start_cash=math.fsum(part.points.cash[0] for part in parts),
        start_cost=math.fsum(part.points.cost[0] for part in parts),
        groups=_groups(program, parts),
    )


def _cash_curve(program: Program, highest: float) -> Curve:
    """Return psi over z_c = c0 - c, for cash between the floor and the most that can be raised."""
    top = max(highest, program.cash_floor)
    levels = {top, program.cash_floor}
    levels.update(v for v in program.cash_phi.breaks() if program.cash_floor < v < top)
    falling = sorted(levels, reverse=True)
    z = [program.cash - level for level in falling]
    costs = [program.cash_phi.at(level) for level in falling]
    return Curve(z, z, costs, [LINEAR] * (len(z) - 1))


def part_from(points: Curve, without_losses: bool = False) -> Part:
    hull = lower_hull(cash=points.cash, cost=points.cost)
    slopes: list[float] = []
    lengths: list[float] = []
    steepest = -math.inf
    for a, b in zip(hull, hull[1:], strict=False):
        length = points.cash[b] - points.cash[a]
        # Never falling, so that rounding cannot reorder the pieces of one curve.
        steepest = max(steepest, (points.cost[b] - points.cost[a]) / length)
        slopes.append(steepest)
        lengths.append(length)
    return Part(points, hull, slopes, lengths, without_losses)


def _groups(program: Program, parts: list[Part]) -> list[list[int]]:
    """Return the identity groups with a possible purchase and a possible sale at a loss."""
    members: dict[str, list[int]] = {}
    for i, item in enumerate(program.items):
        if item.group is not None:
            members.setdefault(item.group, []).append(i)
    return [
        indices
        for indices in members.values()
        if len(indices) > 1
        and any(parts[i].points.shares[0] < 0 for i in indices)
        and any(lot.is_loss for i in indices for lot in program.items[i].lots)
    ]


def relax(base: Base, parts: dict[int, Part]) -> Relaxed | None:
    """Solve the hull problem, with `parts` in place of the root's; return None if infeasible."""
    slopes, lengths, owners = base.slopes, base.lengths, base.owners
    if parts:
        kept = np.ones(len(base.parts), dtype=bool)
        kept[list(parts)] = False
        mask = kept[owners]
        new_slopes = [slope for i in parts for slope in parts[i].slopes]
        slopes = np.concatenate([slopes[mask], new_slopes])
        order = np.argsort(slopes, kind="stable")
        slopes = slopes[order]
        new_lengths = [length for i in parts for length in parts[i].lengths]
        lengths = np.concatenate([lengths[mask], new_lengths])[order]
        new_owners = np.array([i for i in parts for _ in parts[i].slopes], dtype=np.int64)
        owners = np.concatenate([owners[mask], new_owners])[order]
    need, cost = -base.start_cash, base.start_cost
    if parts:
        changes = [(part.points, base.parts[i].points) for i, part in parts.items()]
        need -= math.fsum(new.cash[0] - old.cash[0] for new, old in changes)
        cost += math.fsum(new.cost[0] - old.cost[0] for new, old in changes)
    filled = np.cumsum(lengths)
    total = float(filled[-1]) if len(filled) else 0.0
    if need > total + CASH_NOISE or need < -CASH_NOISE:
        return None
    if not len(filled):
        last = len(base.parts) - 1
        here = parts.get(last, base.parts[last]).points.cash[0]
        return Relaxed(cost, last, here, 0.0, owners[:0], parts)
    k = min(int(np.searchsorted(filled, need)), len(filled) - 1)
    before = float(filled[k - 1]) if k else 0.0
    inside = min(max(need - before, 0.0), float(lengths[k]))
    slope, owner = float(slopes[k]), int(owners[k])
    bound = cost + (float(np.cumsum(slopes[:k] * lengths[:k])[-1]) if k else 0.0) + slope * inside
    part = parts.get(owner, base.parts[owner])
    vertex = int(np.count_nonzero(owners[:k] == owner))
    at_cash = part.points.cash[part.hull[vertex]] + inside
    return Relaxed(bound, owner, at_cash, slope, owners[:k], parts)


def vertex_counts(base: Base, node: Relaxed) -> Ints:
    return np.bincount(node.full, minlength=len(base.parts))


def part_of(base: Base, node: Relaxed, i: int) -> Part:
    return node.parts.get(i, base.parts[i])


def cash_level(base: Base, node: Relaxed) -> float:
    """Return the cash left in the relaxed answer."""
    last = len(base.parts) - 1
    if node.owner == last:
        return base.program.cash - node.at_cash
    part = part_of(base, node, last)
    vertex = int(np.count_nonzero(node.full == last))
    return base.program.cash - part.points.cash[part.hull[vertex]]


def hull_piece(part: Part, cash: float) -> tuple[int, int]:
    """Return the two hull points around `cash`."""
    levels = [part.points.cash[k] for k in part.hull]
    k = min(max(bisect_right(levels, cash) - 1, 0), max(len(levels) - 2, 0))
    return part.hull[k], part.hull[min(k + 1, len(levels) - 1)]


def interval_at(points: Curve, cash: float) -> int:
    return min(max(bisect_right(points.cash, cash) - 1, 0), max(len(points.kinds) - 1, 0))


def on_chord(points: Curve, left: int, right: int, cash: float) -> float:
    if left == right:
        return points.cost[left]
    share = (cash - points.cash[left]) / (points.cash[right] - points.cash[left])
    return points.cost[left] + share * (points.cost[right] - points.cost[left])
