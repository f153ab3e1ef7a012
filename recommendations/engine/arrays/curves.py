"""Cost curves and their hulls in arrays: the functions of `hulls.py`, compiled. Shares and dollars.

A view names, for each item of an account (its securities, its cash, its identity groups), where
its points, hull and pieces lie in shared buffers; an item without points is not in use. The first
part of the buffers holds the root's curves. A node of the search writes the curves it cuts behind
them and points the view at those.
"""

import math
from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Floats, Ints, Records
from recommendations.engine.arrays.compiling import compiled
from recommendations.engine.hulls import CENTER_PULL, GAP, LATTICE, LINEAR, PENALTY_STEPS, TURNOVER

STEPS_MAX = 2 + len(PENALTY_STEPS)
# An item has at most this many bends of its penalty on each side of its target, and ends.
_SIDE_POINTS = 2 * (STEPS_MAX + 2)

_CLOSE = 1e-9
_BEYOND = np.array([beyond for beyond, _ in PENALTY_STEPS])
_MULTIPLES = np.array([multiple for _, multiple in PENALTY_STEPS])

SECURITY = np.dtype(
    [
        *((name, np.float64) for name in ("price", "held", "target", "band")),
        *((name, np.float64) for name in ("sell_cost", "buy_cost", "fee", "fee_after_tax")),
        *((name, np.float64) for name in ("minimum_shares", "sell_max", "buy_max")),
        *((name, np.int64) for name in ("group", "lots_begin", "lots_end")),
        ("whole", np.bool_),
    ],
    align=True,
)
LOT = np.dtype([("shares", np.float64), ("tax", np.float64), ("loss", np.bool_)], align=True)
POINT = np.dtype(
    [
        *((name, np.float64) for name in ("shares", "cash", "cost", "slope", "length")),
        *((name, np.int64) for name in ("kind", "hull")),
    ],
    align=True,
)
PLACE = np.dtype(
    [
        *((name, np.int64) for name in ("start", "count", "corners")),
        ("no_losses", np.bool_),
    ],
    align=True,
)


class Items(NamedTuple):
    """The solver's items, as `hulls.Item` names them. `group` is -1 for none.

    Lots are in selling order: those of a security from lots_begin to lots_end.
    """

    securities: Records
    lots: Records


class Budget(NamedTuple):
    """The account around its items: cash, its floor and target, and the weight of drift.

    reach: the value whose shares are the distances at which drift costs more.
    """

    cash: float
    floor: float
    cash_target: float
    cash_band: float
    weight: float
    value: float
    reach: float


class View(NamedTuple):
    """Where each item's points, hull and pieces lie.

    The items are the securities, the cash, and the identity groups as `groups.py` joins them. In a
    point, `kind` is the interval to the next one; `hull`, `slope` and `length` are not those of the
    point but of the hull corner of the same place, counted from the item's start.
    """

    points: Records
    places: Records
    securities: int


@compiled
def room_for(items: Items, first: int, last: int) -> int:
    """Return how many points the curves of these items and of cash can have."""
    lots = 0
    for i in range(first, last):
        lots += items.securities[i].lots_end - items.securities[i].lots_begin
    return int(2 * lots + (last - first + 1) * (2 * _SIDE_POINTS + 4))


@compiled
def new_view(securities: int, room: int) -> View:
    """Return empty buffers: `room` for the root's points, twice as much for those of a node."""
    places = np.zeros(2 * securities + 1, PLACE)
    return View(np.empty(3 * room, POINT), places, securities)


@compiled
def penalty_steps(band: float, weight: float, reach: float, offsets: Floats, slopes: Floats) -> int:
    """Write the distances from the target at which the penalty's slope changes; return how many."""
    n = 0
    if band > 0:
        offsets[0], slopes[0] = 0.0, CENTER_PULL / 2
        offsets[1], slopes[1] = band / 2, CENTER_PULL
        n = 2
    for k in range(len(_BEYOND)):
        offsets[n] = band + _BEYOND[k] * reach
        slopes[n] = CENTER_PULL + _MULTIPLES[k] * weight
        n += 1
    return n


@compiled
def penalty_at(away: float, offsets: Floats, slopes: Floats, n: int) -> float:
    """Return the penalty in dollars at a distance from the target."""
    away = abs(away)
    total = 0.0
    for k in range(n):
        if away <= offsets[k]:
            break
        end = offsets[k + 1] if k + 1 < n else away
        total += slopes[k] * (min(away, end) - offsets[k])
    return total


@compiled
def cash_raised(items: Items, i: int, shares: float) -> float:
    """Return the cash that selling `shares` raises (negative: buying)."""
    if shares > 0:
        return float(
            items.securities[i].price * shares * (1 - items.securities[i].sell_cost)
            - items.securities[i].fee
        )
    if shares < 0:
        return float(
            items.securities[i].price * shares * (1 + items.securities[i].buy_cost)
            - items.securities[i].fee
        )
    return 0.0


@compiled
def _side(
    edges: Floats, n: int, largest: float, minimum: float, whole: bool, out: Floats, kinds: Ints
) -> int:
    """Write the share counts that matter on one side, outward, and the interval before each."""
    count = 0
    if whole:
        last = math.floor(largest + _CLOSE)
        first = max(1.0, math.ceil(minimum - _CLOSE))
        if last < first:
            return 0
        out[0], kinds[0] = first, GAP
        count = 1
        for k in range(2 * n + 1):
            if k == 2 * n:
                at = last
            elif k % 2 == 0:
                at = math.floor(edges[k // 2] + _CLOSE)
            else:
                at = math.ceil(edges[k // 2] - _CLOSE)
            if out[count - 1] < at <= last:
                kinds[count] = LATTICE if at - out[count - 1] > 1.5 else GAP
                out[count] = at
                count += 1
        return count
    if largest <= 0 or largest < minimum:
        return 0
    previous = 0.0
    if minimum > 0:
        out[0], kinds[0] = minimum, GAP
        previous = minimum
        count = 1
    for k in range(n + 1):
        edge = largest if k == n else edges[k]
        if previous + _CLOSE * largest < edge <= largest:
            out[count], kinds[count] = edge, LINEAR
            previous = edge
            count += 1
    return count


@compiled
def _purchase_edges(
    items: Items, i: int, held_value: float, offsets: Floats, n: int, edges: Floats
) -> int:
    """Write the share counts at which a purchase meets a bend of the penalty, rising."""
    count = 0
    for k in range(-(n - 1), n):
        offset = offsets[k] if k >= 0 else -offsets[-k]
        edge = (items.securities[i].target + offset - held_value) / items.securities[i].price
        if edge > 0:
            edges[count] = edge
            count += 1
    return count


@compiled
def _sale_edges(
    items: Items,
    i: int,
    held_value: float,
    offsets: Floats,
    n: int,
    losses: bool,
    edges: Floats,
) -> int:
    """Write the share counts at which a sale ends a lot or meets a bend, rising."""
    count = 0
    bend = n - 1
    total = 0.0
    for j in range(items.securities[i].lots_begin, items.securities[i].lots_end + 1):
        ends = j == items.securities[i].lots_end
        if not ends:
            if not losses and items.lots[j].loss:
                continue
            total += items.lots[j].shares
        while bend > -n:
            offset = offsets[bend] if bend >= 0 else -offsets[-bend]
            edge = (held_value - items.securities[i].target - offset) / items.securities[i].price
            if not ends and edge > total:
                break
            if edge > 0:
                edges[count] = edge
                count += 1
            bend -= 1
        if not ends:
            edges[count] = total
            count += 1
    return count


@compiled
def write_curve(
    items: Items, i: int, budget: Budget, buys: bool, losses: bool, view: View, start: int
) -> int:
    """Write the points of one security's curve from `start` on; return how many.

    They run from the largest purchase over the holding to the largest sale, in rising cash.
    buys, losses: whether it may be bought, and its loss lots be sold.
    """
    held_value = items.securities[i].price * items.securities[i].held
    offsets, slopes = np.empty(STEPS_MAX), np.empty(STEPS_MAX)
    n = penalty_steps(items.securities[i].band, budget.weight, budget.reach, offsets, slopes)
    lots = items.securities[i].lots_end - items.securities[i].lots_begin
    edges = np.empty(lots + 2 * STEPS_MAX)
    out, kinds = np.empty(2 * len(edges) + 4), np.empty(2 * len(edges) + 4, np.int64)
    edge_count = _purchase_edges(items, i, held_value, offsets, n, edges)
    least, whole = items.securities[i].minimum_shares, items.securities[i].whole
    buy_max = items.securities[i].buy_max if buys else 0.0
    bought = _side(edges, edge_count, buy_max, least, whole, out, kinds)
    for k in range(bought):
        at = start + bought - 1 - k
        dollars = items.securities[i].price * out[k]
        view.points[at].shares = -out[k]
        view.points[at].kind = kinds[k]
        view.points[at].cost = (
            dollars * (items.securities[i].buy_cost + TURNOVER)
            + items.securities[i].fee
            + penalty_at(held_value + dollars - items.securities[i].target, offsets, slopes, n)
        )
    hold = start + bought
    view.points[hold].shares = 0.0
    view.points[hold].cost = penalty_at(held_value - items.securities[i].target, offsets, slopes, n)
    sell_max = items.securities[i].sell_max
    if not losses:
        kept = 0.0
        for j in range(items.securities[i].lots_begin, items.securities[i].lots_end):
            if not items.lots[j].loss:
                kept += items.lots[j].shares
        sell_max = min(sell_max, kept)
    edge_count = _sale_edges(items, i, held_value, offsets, n, losses, edges)
    sold = _side(edges, edge_count, sell_max, least, whole, out, kinds)
    for k in range(sold):
        view.points[hold + 1 + k].shares = out[k]
        view.points[hold + k].kind = kinds[k]
        dollars = items.securities[i].price * out[k]
        view.points[hold + 1 + k].cost = penalty_at(
            held_value - dollars - items.securities[i].target, offsets, slopes, n
        )
    _add_sale_costs(items, i, losses, view, hold + 1, sold)
    count = bought + 1 + sold
    for k in range(start, start + count):
        view.points[k].cash = cash_raised(items, i, view.points[k].shares)
    return int(count)


@compiled
def _add_sale_costs(items: Items, i: int, losses: bool, view: View, first: int, sold: int) -> None:
    """Add tax, cost and turnover to the points of sales, whose share counts rise."""
    rate = items.securities[i].sell_cost + TURNOVER
    price = items.securities[i].price
    end = items.securities[i].lots_end
    j = items.securities[i].lots_begin
    while not losses and j < end and items.lots[j].loss:
        j += 1
    tax_before = shares_before = 0.0
    for k in range(first, first + sold):
        shares = view.points[k].shares
        while True:
            following = j + 1
            while not losses and following < end and items.lots[following].loss:
                following += 1
            if following >= end or shares_before + items.lots[j].shares > shares:
                break
            tax_before += price * items.lots[j].shares * items.lots[j].tax
            shares_before += items.lots[j].shares
            j = following
        tax = tax_before + price * (shares - shares_before) * items.lots[j].tax
        view.points[k].cost += tax + price * shares * rate + items.securities[i].fee_after_tax


@compiled
def write_cash_curve(budget: Budget, highest: float, view: View, start: int) -> int:
    """Write the curve of the cash itself: z = cash - level, from the most it can be down."""
    offsets, slopes = np.empty(STEPS_MAX), np.empty(STEPS_MAX)
    n = penalty_steps(budget.cash_band, budget.weight, budget.reach, offsets, slopes)
    top = max(highest, budget.floor)
    count = 0
    for k in range(n, -n - 1, -1):
        if k == n:
            level = top
        elif k == -n:
            level = budget.floor
        else:
            level = budget.cash_target + (offsets[k] if k >= 0 else -offsets[-k])
            if not budget.floor < level < top:
                continue
        z = budget.cash - level
        if count and z <= view.points[start + count - 1].cash:
            continue
        view.points[start + count].shares = z
        view.points[start + count].cash = z
        view.points[start + count].cost = penalty_at(level - budget.cash_target, offsets, slopes, n)
        view.points[start + count].kind = LINEAR
        count += 1
    return count


@compiled
def write_hull(view: View, i: int) -> None:
    """Write the lower convex hull of item i's points and the slope and length of each piece."""
    start, count = view.places[i].start, view.places[i].count
    corners = 0
    for k in range(start, start + count):
        z, f = view.points[k].cash, view.points[k].cost
        while corners >= 2:
            a, b = view.points[start + corners - 2].hull, view.points[start + corners - 1].hull
            rise = (view.points[b].cost - view.points[a].cost) * (z - view.points[a].cash)
            if rise <= (f - view.points[a].cost) * (view.points[b].cash - view.points[a].cash):
                break
            corners -= 1
        if corners and z <= view.points[view.points[start + corners - 1].hull].cash:
            if f >= view.points[view.points[start + corners - 1].hull].cost:
                continue
            corners -= 1
        view.points[start + corners].hull = k
        corners += 1
    view.places[i].corners = corners
    steepest = -math.inf
    for k in range(start, start + corners - 1):
        a, b = view.points[k].hull, view.points[k + 1].hull
        length = view.points[b].cash - view.points[a].cash
        # Never falling, so that rounding cannot reorder the pieces of one curve.
        steepest = max(steepest, (view.points[b].cost - view.points[a].cost) / length)
        view.points[k].slope = steepest
        view.points[k].length = length


@compiled
def interval_at(view: View, i: int, cash: float) -> int:
    """Return the last point of item i at or before `cash` that has a point after it."""
    first = view.places[i].start
    low, high = first, first + view.places[i].count
    while low < high:
        middle = (low + high) // 2
        if view.points[middle].cash <= cash:
            low = middle + 1
        else:
            high = middle
    return int(min(max(low - 1, first), max(first + view.places[i].count - 2, first)))


@compiled
def hull_piece(view: View, i: int, cash: float) -> int:
    """Return the place of the hull corner at or before `cash` that has a corner after it."""
    first = view.places[i].start
    last = first + max(view.places[i].corners - 2, 0)
    k = first
    while k < last and view.points[view.points[k + 1].hull].cash <= cash:
        k += 1
    return int(k)


@compiled
def cost_between(view: View, a: int, b: int, cash: float) -> float:
    """Return the cost at `cash` on the line through points a and b."""
    left, right = view.points[a], view.points[b]
    if a == b or cash == left.cash:
        return float(left.cost)
    share = (cash - left.cash) / (right.cash - left.cash)
    return float(left.cost + share * (right.cost - left.cost))


@compiled
def shares_between(view: View, a: int, b: int, cash: float) -> float:
    """Return the shares sold at `cash` on the line through points a and b."""
    left, right = view.points[a], view.points[b]
    if a == b or cash == left.cash:
        return float(left.shares)
    share = (cash - left.cash) / (right.cash - left.cash)
    return float(left.shares + share * (right.shares - left.shares))


@compiled
def cut(view: View, source: int, count: int, lowest: float, highest: float, start: int) -> int:
    """Copy the points with cash in [lowest, highest] from `source` to `start`; return how many.

    An end inside a LINEAR or LATTICE interval becomes a point.
    """
    made = 0
    for k in range(source, source + count):
        z = view.points[k].cash
        before = view.points[k - 1].kind if k > source else GAP
        if before != GAP:
            for end in (lowest, highest):
                if view.points[k - 1].cash < end < z and (end == lowest or lowest < highest):
                    made += _append(view, start, made, k - 1, k, end, before)
        if lowest <= z <= highest:
            made += _append(view, start, made, k, k, z, before)
    return made


@compiled
def _append(view: View, start: int, made: int, a: int, b: int, cash: float, before: int) -> int:
    at = start + made
    if made:
        view.points[at - 1].kind = before
    view.points[at].shares = shares_between(view, a, b, cash)
    view.points[at].cost = cost_between(view, a, b, cash)
    view.points[at].cash = cash
    return 1
