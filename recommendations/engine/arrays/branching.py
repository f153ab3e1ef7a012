"""Branch and bound over one account in arrays (`solver.py` explains it). Compiled.

A node changes some curves of the root: each change names an item, the cash its curve is cut to and
whether its loss lots are kept out. A node lists the changes of its parent and its own.
"""

import math
from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Bools, Floats, Ints, Records
from recommendations.engine.arrays.compiling import compiled
from recommendations.engine.arrays.curves import (
    Budget,
    Items,
    View,
    cut,
    new_view,
    room_for,
    write_cash_curve,
    write_curve,
    write_hull,
)
from recommendations.engine.arrays.groups import Groups, identity_groups, join
from recommendations.engine.arrays.search import (
    Best,
    Relaxed,
    cut_at,
    improve,
    relaxed,
    standing_inside,
    washes_itself,
)
from recommendations.engine.solver import GAP_CLOSED

SOLVED, FLOOR_UNREACHABLE = 0, 1


class Found(NamedTuple):
    """The outcome of one account, as `solver.Solution` names it.

    Of an account whose floor cannot be reached, `cash` is the most that all sales leave.
    """

    status: int
    cash: float
    objective: float
    lower_bound: float
    cash_price: float
    nodes: int


class Changes(NamedTuple):
    """Changed curves, those of one node one after another."""

    item: Ints
    lowest: Floats
    highest: Floats
    no_losses: Bools


class Nodes(NamedTuple):
    """All nodes made so far; an open one has not been examined yet."""

    bound: Floats
    open: Bools
    start: Ints
    end: Ints


class Root(NamedTuple):
    """The places of the root's curves; `written`: of all securities, joined or not."""

    places: Records
    written: Records
    free: int


@compiled
def _write_root(items: Items, first: int, last: int, budget: Budget, view: View) -> int:
    """Write every curve of the account; return the first free place of the buffers."""
    at = 0
    highest = budget.cash
    for i in range(last - first):
        view.places[i].start = at
        view.places[i].count = write_curve(items, first + i, budget, True, True, view, at)
        at += view.places[i].count
        highest += view.points[at - 1].cash
        write_hull(view, i)
    cash = last - first
    view.places[cash].start = at
    view.places[cash].count = write_cash_curve(budget, highest, view, at)
    at += view.places[cash].count
    write_hull(view, cash)
    return int(at)


@compiled
def _apply(
    items: Items,
    first: int,
    budget: Budget,
    view: View,
    groups: Groups,
    root: Root,
    changes: Changes,
    begin: int,
    end: int,
) -> bool:
    """Point the view at the curves of a node; return whether each of them has a point."""
    view.places[:] = root.places
    at = root.free
    for c in range(begin, end):
        i = changes.item[c]
        source, count = root.written[i].start, root.written[i].count
        if groups.of[i] >= 0:
            joined = view.securities + 1 + groups.of[i]
            view.places[joined].count = view.places[joined].corners = 0
        if changes.no_losses[c]:
            count = write_curve(items, first + i, budget, True, False, view, at)
            source = at
            at += count
        made = cut(view, source, count, changes.lowest[c], changes.highest[c], at)
        if not made:
            return False
        view.places[i].start, view.places[i].count = at, made
        view.places[i].no_losses = changes.no_losses[c]
        at += made
        write_hull(view, i)
    return True


@compiled
def _extended(changes: Changes, begin: int, end: int, used: int, new: Changes, count: int) -> int:
    """Append a parent's changes and `count` new ones, which replace those of the same items."""
    at = used
    for c in range(begin, end):
        replaced = False
        for k in range(count):
            replaced |= new.item[k] == changes.item[c]
        if not replaced:
            changes.item[at] = changes.item[c]
            changes.lowest[at], changes.highest[at] = changes.lowest[c], changes.highest[c]
            changes.no_losses[at] = changes.no_losses[c]
            at += 1
    for k in range(count):
        changes.item[at] = new.item[k]
        changes.lowest[at], changes.highest[at] = new.lowest[k], new.highest[k]
        changes.no_losses[at] = new.no_losses[k]
        at += 1
    return at


@compiled
def _empty_changes(count: int) -> Changes:
    return Changes(
        np.empty(count, np.int64), np.empty(count), np.empty(count), np.empty(count, np.bool_)
    )


@compiled
def _options(view: View, groups: Groups, root: Root, g: int, new: Changes) -> int:
    """Write the halves "no purchase" and "no loss" of a group; return how many members it has."""
    count = 0
    for at in range(groups.start[g], groups.start[g + 1]):
        i = groups.members[at]
        start, points = root.written[i].start, root.written[i].count
        if view.places[i].count:
            start, points = view.places[i].start, view.places[i].count
        low, high = view.points[start].cash, view.points[start + points - 1].cash
        new.item[2 * count] = new.item[2 * count + 1] = i
        new.lowest[2 * count], new.highest[2 * count] = max(low, 0.0), high
        new.lowest[2 * count + 1], new.highest[2 * count + 1] = low, high
        new.no_losses[2 * count] = view.places[i].no_losses
        new.no_losses[2 * count + 1] = True
        count += 1
    return count


@compiled
def _halves(
    items: Items,
    first: int,
    budget: Budget,
    view: View,
    groups: Groups,
    root: Root,
    counts: Ints,
    node: Relaxed,
    new: Changes,
) -> int:
    """Write the changes that divide a node: row 2k for its left half, row 2k + 1 for its right.

    A group that sells at a loss and buys at once is divided into "no purchase" and "no loss", else
    the fractional curve is cut. Return the number of changed items.
    """
    place = standing_inside(view, node)
    for g in range(len(groups.start) - 1):
        divides = node.owner == view.securities + 1 + g
        if divides or washes_itself(items, first, groups, g, view, counts, node.owner, place):
            return _options(view, groups, root, g, new)
    if node.owner >= view.securities:
        return 0
    left, right = cut_at(items, first, budget, view, node)
    if math.isnan(left):
        return 0
    new.item[0] = new.item[1] = node.owner
    new.lowest[0], new.highest[0] = view.points[view.places[node.owner].start].cash, left
    new.lowest[1] = right
    new.highest[1] = view.points[
        view.places[node.owner].start + view.places[node.owner].count - 1
    ].cash
    new.no_losses[0] = new.no_losses[1] = view.places[node.owner].no_losses
    return 1


@compiled
def solve_account(
    items: Items,
    first: int,
    last: int,
    budget: Budget,
    shares: Floats,
    no_losses: Bools,
    node_limit: int,
) -> Found:
    """Solve the account of the items from `first` to `last`; write its shares sold."""
    view = new_view(last - first, room_for(items, first, last))
    free = _write_root(items, first, last, budget, view)
    counts = np.empty(len(view.places), np.int64)
    slopes, lengths = np.empty(len(view.points)), np.empty(len(view.points))
    node = relaxed(view, counts, slopes, lengths)
    if not node.feasible:
        most = budget.cash
        for i in range(last - first):
            most += view.points[view.places[i].start + view.places[i].count - 1].cash
        return Found(FLOOR_UNREACHABLE, most, 0.0, 0.0, 0.0, 0)
    groups = identity_groups(items, first, view)
    written = view.places.copy()
    node, free = _joined(items, first, budget, view, groups, counts, node, free, slopes, lengths)
    best = Best(shares[first:last], no_losses[first:last], np.array([math.inf, 0.0, 0.0]))
    improve(items, first, budget, view, groups, counts, node, best)
    lower, nodes = node.bound, 1
    if lower < best.figures[0] - GAP_CLOSED * abs(budget.value) and node_limit > 1:
        root = Root(view.places.copy(), written, free)
        lower, nodes = _searched(
            items, first, budget, view, groups, root, node.bound, best, node_limit
        )
    lower = min(lower, best.figures[0])
    return Found(SOLVED, best.figures[2], best.figures[0], lower, best.figures[1], nodes)


@compiled
def _joined(
    items: Items,
    first: int,
    budget: Budget,
    view: View,
    groups: Groups,
    counts: Ints,
    node: Relaxed,
    free: int,
    slopes: Floats,
    lengths: Floats,
) -> tuple[Relaxed, int]:
    """Join the groups that wash their own losses until none does; return the new root."""
    while True:
        place = standing_inside(view, node)
        before = free
        for g in range(len(groups.start) - 1):
            if washes_itself(items, first, groups, g, view, counts, node.owner, place):
                free = join(items, first, budget, view, groups, g, free)
        if free == before:
            return node, free
        node = relaxed(view, counts, slopes, lengths)


@compiled
def _cheapest(nodes: Nodes, made: int) -> int:
    """Return the open node with the least bound, the older one of equals; -1 for none."""
    chosen = -1
    for n in range(made):
        if nodes.open[n] and (chosen < 0 or nodes.bound[n] < nodes.bound[chosen]):
            chosen = n
    return chosen


@compiled
def _searched(
    items: Items,
    first: int,
    budget: Budget,
    view: View,
    groups: Groups,
    root: Root,
    root_bound: float,
    best: Best,
    node_limit: int,
) -> tuple[float, int]:
    """Branch from the root until the gap is closed; return the lower bound and the nodes."""
    count = len(view.places)
    room = 2 * node_limit + 1
    nodes = Nodes(
        np.empty(room), np.zeros(room, np.bool_), np.zeros(room, np.int64), np.zeros(room, np.int64)
    )
    changes = _empty_changes(room * count)
    new, half = _empty_changes(2 * count), _empty_changes(count)
    slopes, lengths = np.empty(len(view.points)), np.empty(len(view.points))
    counts = np.empty(count, np.int64)
    closed = GAP_CLOSED * abs(budget.value)
    nodes.bound[0], nodes.open[0] = root_bound, True
    made, used, examined = 1, 0, 0
    given_up = math.inf
    while examined < node_limit:
        n = _cheapest(nodes, made)
        if n < 0:
            break
        nodes.open[n] = False
        if nodes.bound[n] >= best.figures[0] - closed:
            given_up = min(given_up, nodes.bound[n])
            break
        examined += 1
        _apply(items, first, budget, view, groups, root, changes, nodes.start[n], nodes.end[n])
        node = relaxed(view, counts, slopes, lengths)
        improve(items, first, budget, view, groups, counts, node, best)
        divided = 0
        if nodes.bound[n] < best.figures[0] - closed:
            divided = _halves(items, first, budget, view, groups, root, counts, node, new)
        if not divided:
            given_up = min(given_up, nodes.bound[n])
        for side in range(2 if divided else 0):
            for k in range(divided):
                half.item[k] = new.item[2 * k + side]
                half.lowest[k], half.highest[k] = (
                    new.lowest[2 * k + side],
                    new.highest[2 * k + side],
                )
                half.no_losses[k] = new.no_losses[2 * k + side]
            end = _extended(changes, nodes.start[n], nodes.end[n], used, half, divided)
            if not _apply(items, first, budget, view, groups, root, changes, used, end):
                continue
            child = relaxed(view, counts, slopes, lengths)
            if not child.feasible:
                continue
            if child.bound >= best.figures[0] - closed:
                given_up = min(given_up, child.bound)
                continue
            nodes.bound[made], nodes.open[made] = child.bound, True
            nodes.start[made], nodes.end[made] = used, end
            made, used = made + 1, end
    for n in range(made):
        if nodes.open[n]:
            given_up = min(given_up, nodes.bound[n])
    return given_up, examined
