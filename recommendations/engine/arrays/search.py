"""The hull problem of one account in arrays, and answers made from it. Compiled.

`relaxation.py` and `solver.py` explain both; `branching.py` searches with them.

The hull problem needs no sorting: the fractional piece is found by selection, and all sums then run
in the order of the items. So the answer does not depend on how the selection went.
"""

import math
from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Bools, Floats, Ints
from recommendations.engine.arrays.compiling import compiled
from recommendations.engine.arrays.curves import (
    STEPS_MAX,
    Budget,
    Items,
    View,
    cash_raised,
    cost_between,
    hull_piece,
    interval_at,
    penalty_at,
    penalty_steps,
    shares_between,
)
from recommendations.engine.arrays.groups import Groups, write_members
from recommendations.engine.hulls import GAP, LATTICE, LINEAR
from recommendations.engine.relaxation import CASH_NOISE
from recommendations.engine.solver import GAP_CLOSED


class Relaxed(NamedTuple):
    """The hull problem's answer: item `owner` stands inside a piece at `at_cash`."""

    feasible: bool
    bound: float
    owner: int
    at_cash: float
    slope: float


@compiled
def relaxed(view: View, counts: Ints, slopes: Floats, lengths: Floats) -> Relaxed:
    """Fill the hulls by rising slope until the cash is met; write each item's full pieces."""
    items = len(view.places)
    need = cost = total = 0.0
    pieces = 0
    for i in range(items):
        counts[i] = 0
        if not view.places[i].count:
            continue
        start = view.places[i].start
        need -= view.points[start].cash
        cost += view.points[start].cost
        for k in range(start, start + view.places[i].corners - 1):
            slopes[pieces] = view.points[k].slope
            lengths[pieces] = view.points[k].length
            total += view.points[k].length
            pieces += 1
    if need > total + CASH_NOISE or need < -CASH_NOISE:
        return Relaxed(False, math.inf, -1, 0.0, 0.0)
    if not pieces:
        return Relaxed(
            True, cost, view.securities, view.points[view.places[view.securities].start].cash, 0.0
        )
    limit = _slope_at(slopes, lengths, pieces, min(need, total))
    before = 0.0
    for i in range(items):
        for k in range(view.places[i].start, view.places[i].start + view.places[i].corners - 1):
            if view.points[k].slope >= limit:
                break
            before += view.points[k].length
            cost += view.points[k].slope * view.points[k].length
            counts[i] += 1
    last = -1
    for i in range(items):
        for k in range(
            view.places[i].start + counts[i], view.places[i].start + view.places[i].corners - 1
        ):
            if view.points[k].slope > limit:
                break
            if before + view.points[k].length >= need:
                inside = min(max(need - before, 0.0), view.points[k].length)
                at_cash = view.points[view.points[k].hull].cash + inside
                return Relaxed(True, cost + limit * inside, i, at_cash, limit)
            before += view.points[k].length
            cost += limit * view.points[k].length
            counts[i] += 1
            last = i
    # Rounding left a hair of need beyond the last piece of this slope: it ends there.
    counts[last] -= 1
    k = view.places[last].start + counts[last]
    return Relaxed(True, cost, last, view.points[view.points[k + 1].hull].cash, limit)


@compiled
def _slope_at(slopes: Floats, lengths: Floats, count: int, need: float) -> float:
    """Return the slope of the piece in which the sum of lengths, by rising slope, meets `need`.

    Selects as quicksort does, without sorting; the arrays are reordered.
    """
    low, high, before = 0, count, 0.0
    while high - low > 1:
        a, b, c = slopes[low], slopes[(low + high) // 2], slopes[high - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        less, at, more = low, low, high
        below = same = 0.0
        while at < more:
            slope, length = slopes[at], lengths[at]
            if slope < pivot:
                slopes[at], lengths[at] = slopes[less], lengths[less]
                slopes[less], lengths[less] = slope, length
                below += length
                less += 1
                at += 1
            elif slope > pivot:
                more -= 1
                slopes[at], lengths[at] = slopes[more], lengths[more]
                slopes[more], lengths[more] = slope, length
            else:
                same += length
                at += 1
        if less > low and before + below >= need:
            high = less
        elif before + below + same >= need or more == high:
            return float(pivot)
        else:
            before += below + same
            low = more
    return float(slopes[low])


@compiled
def _loss_start(items: Items, i: int, no_losses: bool) -> float:
    """Return how many shares can be sold before the first loss lot."""
    before = 0.0
    if not no_losses:
        for j in range(items.securities[i].lots_begin, items.securities[i].lots_end):
            if items.lots[j].loss:
                return before
            before += items.lots[j].shares
    return math.inf


class Standing(NamedTuple):
    """Where one item stands in an answer; of a group, `shares` is the place of its point."""

    cash: float
    shares: float
    cost: float


@compiled
def standing(view: View, counts: Ints, i: int, moved: int, place: Standing) -> Standing:
    """Return where item i stands: at its hull corner, or at `place` if it is the moved one."""
    if i == moved:
        return place
    k = view.points[view.places[i].start + counts[i]].hull
    return Standing(view.points[k].cash, view.points[k].shares, view.points[k].cost)


@compiled
def standing_inside(view: View, node: Relaxed) -> Standing:
    """Return where the fractional item of a relaxed answer stands."""
    shares = 0.0
    if node.owner < view.securities:
        shares = view.points[view.places[node.owner].start].shares
        if view.places[node.owner].count > 1:
            m = interval_at(view, node.owner, node.at_cash)
            shares = shares_between(view, m, m + 1, node.at_cash)
    return Standing(node.at_cash, shares, 0.0)


@compiled
def washes_itself(
    items: Items,
    first: int,
    groups: Groups,
    g: int,
    view: View,
    counts: Ints,
    moved: int,
    place: Standing,
) -> bool:
    """Return whether a group that is not one item sells at a loss and buys at once."""
    loses = buys = False
    if not view.places[view.securities + 1 + g].count:
        for at in range(groups.start[g], groups.start[g + 1]):
            i = groups.members[at]
            shares = standing(view, counts, i, moved, place).shares
            loses |= shares > _loss_start(items, first + i, view.places[i].no_losses)
            buys |= shares < 0
    return loses and buys


@compiled
def places_near(items: Items, first: int, view: View, node: Relaxed, places: Floats) -> int:
    """Write the allowed places near the fractional one: rows of cash, shares and cost."""
    owner = node.owner
    if owner == view.securities:
        places[0] = node.at_cash, 0.0, 0.0
        return 1
    k = hull_piece(view, owner, node.at_cash)
    left = view.points[k].hull
    right = view.points[k + 1].hull if view.places[owner].corners > 1 else left
    places[0] = view.points[left].cash, view.points[left].shares, view.points[left].cost
    places[1] = view.points[right].cash, view.points[right].shares, view.points[right].cost
    if owner > view.securities:
        places[0, 1], places[1, 1] = left, right
        return 2
    m = interval_at(view, owner, node.at_cash)
    if left == right:
        return 2
    shares = shares_between(view, m, m + 1, node.at_cash)
    if view.points[m].kind == LINEAR:
        cost = cost_between(view, m, m + 1, node.at_cash)
        places[2] = node.at_cash, shares, cost
        return 3
    if view.points[m].kind == LATTICE:
        row = 2
        for whole in (math.floor(shares), math.ceil(shares)):
            cash = cash_raised(items, first + owner, float(whole))
            places[row] = cash, float(whole), cost_between(view, m, m + 1, cash)
            row += 1
        return row
    places[2] = view.points[m].cash, view.points[m].shares, view.points[m].cost
    places[3] = view.points[m + 1].cash, view.points[m + 1].shares, view.points[m + 1].cost
    return 4


@compiled
def _hull_cost(view: View, node: Relaxed) -> float:
    """Return the hull's cost of the fractional item at its place."""
    k = hull_piece(view, node.owner, node.at_cash)
    left = view.points[k].hull
    right = view.points[k + 1].hull if view.places[node.owner].corners > 1 else left
    return cost_between(view, left, right, node.at_cash)


class Best(NamedTuple):
    """The cheapest answer so far: one row per item, and its objective, slope and cash."""

    shares: Floats
    no_losses: Bools
    figures: Floats


@compiled
def improve(
    items: Items,
    first: int,
    budget: Budget,
    view: View,
    groups: Groups,
    counts: Ints,
    node: Relaxed,
    best: Best,
) -> None:
    """Make feasible answers from the relaxed one, and keep the cheapest."""
    offsets, slopes = np.empty(STEPS_MAX), np.empty(STEPS_MAX)
    n = penalty_steps(budget.cash_band, budget.weight, budget.reach, offsets, slopes)
    places = np.empty((4, 3))
    count = places_near(items, first, view, node, places)
    inside = Standing(node.at_cash, 0.0, 0.0)
    level = budget.cash - standing(view, counts, view.securities, node.owner, inside).cash
    relaxed_cost = _hull_cost(view, node)
    psi = penalty_at(level - budget.cash_target, offsets, slopes, n)
    closed = np.zeros(len(groups.start) - 1, np.bool_)
    for row in range(count):
        place = Standing(places[row, 0], places[row, 1], places[row, 2])
        moved = -1 if node.owner == view.securities else node.owner
        new_level, value = level, node.bound
        if moved >= 0:
            new_level += place.cash - node.at_cash
            value += place.cost - relaxed_cost
        for g in range(len(closed)):
            closed[g] = washes_itself(items, first, groups, g, view, counts, moved, place)
            if closed[g]:
                for at in range(groups.start[g], groups.start[g + 1]):
                    i = groups.members[at]
                    stands = standing(view, counts, i, moved, place)
                    if stands.shares < 0:
                        value += _hold_cost(view, i) - stands.cost
                        new_level -= stands.cash
        if new_level < budget.floor - CASH_NOISE:
            continue
        value += penalty_at(new_level - budget.cash_target, offsets, slopes, n) - psi
        if value < best.figures[0]:
            best.figures[0], best.figures[1], best.figures[2] = value, node.slope, new_level
            _keep(view, groups, counts, moved, place, closed, best)


@compiled
def _keep(
    view: View,
    groups: Groups,
    counts: Ints,
    moved: int,
    place: Standing,
    closed: Bools,
    best: Best,
) -> None:
    """Write an answer down: what each security sells; `closed` groups buy nothing."""
    for i in range(view.securities):
        if view.places[i].count:
            best.shares[i] = standing(view, counts, i, moved, place).shares
            best.no_losses[i] = view.places[i].no_losses
    for g in range(len(closed)):
        item = view.securities + 1 + g
        if view.places[item].count:
            point = view.points[view.places[item].start + counts[item]].hull
            if moved == item:
                point = int(place.shares)
            write_members(groups, g, view, point, best.shares, best.no_losses)
        elif closed[g]:
            for at in range(groups.start[g], groups.start[g + 1]):
                i = groups.members[at]
                best.shares[i] = max(best.shares[i], 0.0)


@compiled
def _hold_cost(view: View, i: int) -> float:
    for k in range(view.places[i].start, view.places[i].start + view.places[i].count):
        if view.points[k].shares == 0.0:
            return float(view.points[k].cost)
    return math.inf


@compiled
def cut_at(
    items: Items, first: int, budget: Budget, view: View, node: Relaxed
) -> tuple[float, float]:
    """Return the cut of the fractional curve: the end of its left half, the start of its right.

    Both are NaN when the answer stands on the curve.
    """
    owner = node.owner
    k = hull_piece(view, owner, node.at_cash)
    if view.places[owner].corners < 2:
        return math.nan, math.nan
    left, right = view.points[k].hull, view.points[k + 1].hull
    highest, at = GAP_CLOSED * abs(budget.value) / 4, -1
    for point in range(left + 1, right):
        above = view.points[point].cost - cost_between(view, left, right, view.points[point].cash)
        if above > highest:
            highest, at = above, point
    if at >= 0:
        return view.points[at].cash, view.points[at].cash
    m = interval_at(view, owner, node.at_cash)
    if view.points[m].kind == GAP:
        return view.points[m].cash, view.points[m + 1].cash
    if view.points[m].kind == LATTICE:
        whole = math.floor(shares_between(view, m, m + 1, node.at_cash))
        one, other = float(whole), float(whole + 1)
        return cash_raised(items, first + owner, one), cash_raised(items, first + owner, other)
    return math.nan, math.nan
