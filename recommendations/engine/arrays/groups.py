"""Identity groups that could wash their own losses, each as one item of the hull problem. Compiled.

A group may sell its losses or buy, not both. So its cost over the cash it hands over is the lesser
of two curves: "no purchase" and "no loss", each the sum of its members' curves in rising slope. The
lower hull of both is one more convex curve: a group, like a security, stands at a point of its own,
and only the fractional one need be branched.

A point of a group's curve names its option and how many pieces of that option are taken.
"""

from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Bools, Floats, Ints
from recommendations.engine.arrays.compiling import compiled
from recommendations.engine.arrays.curves import (
    Budget,
    Items,
    View,
    new_view,
    room_for,
    write_curve,
    write_hull,
)
from recommendations.engine.arrays.sorting import places_sorted
from recommendations.engine.hulls import GAP

NO_PURCHASE, NO_LOSS = 0, 1
# A point's `shares` hold its option and pieces: option * _OPTION + pieces.
_OPTION = float(2**32)


class Groups(NamedTuple):
    """Groups with a possible purchase and a possible loss; `joined` ones are one item each.

    members: those of group g from start[g] to start[g + 1]; options: the members' curves without
    purchases and without losses; owners: which member each piece of an option belongs to, by rising
    slope, from first[option, g] on; used: the points written of each option, and of its owners; of:
    the group of each security, or -1.
    """

    start: Ints
    members: Ints
    joined: Bools
    options: tuple[View, View]
    owners: Ints
    first: Ints
    used: Ints
    of: Ints


@compiled
def identity_groups(items: Items, first: int, view: View) -> Groups:
    """Return the groups that may buy and may sell at a loss."""
    count = view.securities
    of = np.full(count, -1)
    start, members = np.zeros(count + 1, np.int64), np.empty(count, np.int64)
    groups = filled = k = 0
    numbers = np.empty(count)
    for i in range(count):
        numbers[i] = items.securities[first + i].group
    order = places_sorted(numbers)
    while k < count:
        group = items.securities[first + order[k]].group
        end = k
        buys = loses = False
        while end < count and items.securities[first + order[end]].group == group:
            i = order[end]
            buys |= view.points[view.places[i].start].shares < 0
            for j in range(
                items.securities[first + i].lots_begin, items.securities[first + i].lots_end
            ):
                loses |= items.lots[j].loss
            end += 1
        if group >= 0 and end - k > 1 and buys and loses:
            for place in range(k, end):
                members[filled] = order[place]
                of[order[place]] = groups
                filled += 1
            groups += 1
            start[groups] = filled
        k = end
    room = room_for(items, first, first + count) if groups else 0
    return Groups(
        start[: groups + 1],
        members[:filled],
        np.zeros(groups, np.bool_),
        (new_view(count if groups else 0, room), new_view(count if groups else 0, room)),
        np.empty(2 * room, np.int64),
        np.zeros((2, groups + 1), np.int64),
        np.zeros(3, np.int64),
        of,
    )


@compiled
def join(
    items: Items, first: int, budget: Budget, view: View, groups: Groups, g: int, free: int
) -> int:
    """Make group g one item in place of its members; return the first free place of the view."""
    groups.joined[g] = True
    for at in range(groups.start[g], groups.start[g + 1]):
        i = groups.members[at]
        for option in (NO_PURCHASE, NO_LOSS):
            curves = groups.options[option]
            curves.places[i].start = groups.used[option]
            buys, losses = option == NO_LOSS, option == NO_PURCHASE
            curves.places[i].count = write_curve(
                items, first + i, budget, buys, losses, curves, curves.places[i].start
            )
            groups.used[option] += curves.places[i].count
            write_hull(curves, i)
        view.places[i].count = view.places[i].corners = 0
    item = view.securities + 1 + g
    view.places[item].start = free
    view.places[item].count = _write_points(groups, g, view, free)
    write_hull(view, item)
    return int(free + view.places[item].count)


@compiled
def _write_points(groups: Groups, g: int, view: View, free: int) -> int:
    """Write the points of both options of a group in rising cash; return how many."""
    first = _option_points(groups, g, NO_PURCHASE)
    other = _option_points(groups, g, NO_LOSS)
    a = b = count = 0
    while a < len(first) or b < len(other):
        takes_first = b == len(other) or (a < len(first) and first[a, 0] <= other[b, 0])
        at = free + count
        if takes_first:
            view.points[at].cash, view.points[at].cost = first[a, 0], first[a, 1]
            view.points[at].shares = NO_PURCHASE * _OPTION + a
            a += 1
        else:
            view.points[at].cash, view.points[at].cost = other[b, 0], other[b, 1]
            view.points[at].shares = NO_LOSS * _OPTION + b
            b += 1
        view.points[at].kind = GAP
        count += 1
    return count


@compiled
def _option_points(groups: Groups, g: int, option: int) -> Floats:
    """Return cash and cost of an option's points: its members' pieces added by rising slope."""
    curves = groups.options[option]
    pieces = 0
    begin, end = groups.start[g], groups.start[g + 1]
    for at in range(begin, end):
        pieces += curves.places[groups.members[at]].corners - 1
    slopes, lengths = np.empty(pieces), np.empty(pieces)
    members = np.empty(pieces, np.int64)
    points = np.zeros((pieces + 1, 2))
    filled = 0
    for at in range(begin, end):
        i = groups.members[at]
        points[0, 0] += curves.points[curves.places[i].start].cash
        points[0, 1] += curves.points[curves.places[i].start].cost
        for k in range(
            curves.places[i].start, curves.places[i].start + curves.places[i].corners - 1
        ):
            slopes[filled], lengths[filled] = curves.points[k].slope, curves.points[k].length
            members[filled] = i
            filled += 1
    groups.first[option, g] = groups.used[2]
    order = places_sorted(slopes)
    for k in range(pieces):
        piece = order[k]
        groups.owners[groups.used[2]] = members[piece]
        groups.used[2] += 1
        points[k + 1, 0] = points[k, 0] + lengths[piece]
        points[k + 1, 1] = points[k, 1] + slopes[piece] * lengths[piece]
    return points


@compiled
def option_at(view: View, point: int) -> int:
    """Return the option of a point of a group's curve."""
    return int(view.points[point].shares >= _OPTION)


@compiled
def write_members(
    groups: Groups, g: int, view: View, point: int, shares: Floats, no_losses: Bools
) -> None:
    """Write the shares that each member of a joined group sells at a point of its curve."""
    option = option_at(view, point)
    curves = groups.options[option]
    taken = int(view.points[point].shares - option * _OPTION)
    counts = np.zeros(view.securities, np.int64)
    for k in range(groups.first[option, g], groups.first[option, g] + taken):
        counts[groups.owners[k]] += 1
    for at in range(groups.start[g], groups.start[g + 1]):
        i = groups.members[at]
        shares[i] = curves.points[curves.points[curves.places[i].start + counts[i]].hull].shares
        no_losses[i] = option == NO_LOSS
