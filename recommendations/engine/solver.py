"""Solve the rebalance of one account exactly, and compute a bound on the error (the gap).

    minimize  sum_i f_i(z_i) + psi(c)   subject to   c = c0 + sum_i z_i >= floor

f_i is the cost curve of security i over the cash z_i it hands over (hulls.py); psi is the drift
penalty of the cash itself. Write z_c = c0 - c, so that cash is one more curve and the row reads
sum z = 0. Replace every f_i by its lower convex hull. This gives a convex separable problem with
one row. To minimize the sum, sort the hulls' pieces by slope and take them one after another, from
every curve's left end, until the row is met. At most one curve ends strictly inside a piece; all
others end at a point of their own curve.

    lower bound   the hull value: no answer can be cheaper
    upper bound   the true cost of an answer made from it: the one fractional security stays where
                  it is if its curve allows that, or moves to a neighbor and cash absorbs it
    gap           upper - lower, computed, never assumed

When they differ, branch: cut the fractional security's curve in two, and solve both halves, the
cheapest bound first. The cut is at the point furthest above the hull, or on either side of a gap or
of a whole number of shares. An identity group that sells at a loss and buys at once is cut into "no
purchase" and "no loss". At the node limit the search ends and reports the smallest open bound.

Worked example: cash 0, floor 300. A: 10 shares at 100, tax 0.10 a dollar. B: 10 shares at 100,
tax 0.02 on 1 lot of 2 shares, 0.30 on the rest. Slopes 0.02 (length 200), 0.10 (1000), 0.30
(800), so 200 dollars come from B's cheap lot and 100 from A: cost 4 + 10 = 14, which is also the
lower bound.

Floats occur only here and in the curves. There is no randomness, no clock and no tolerance on the
answer: equal slopes are taken in the canonical order of the securities and of their lots.
"""

import heapq
import math
from dataclasses import dataclass, field

from core.errors import Conflict
from recommendations.engine.hulls import GAP, LATTICE, LINEAR, between, curve, interpolate
from recommendations.engine.relaxation import (
    CASH_NOISE,
    Base,
    Ints,
    Part,
    Program,
    Relaxed,
    base_of,
    cash_level,
    hull_piece,
    interval_at,
    on_chord,
    part_from,
    part_of,
    relax,
    vertex_counts,
)

# The search stops when the gap is below this share of account value (1e-7 = 0.001 bps, or ten cents
# per million).
GAP_CLOSED = 1e-7


class CashFloorUnreachable(Conflict):
    """All permitted sales together leave less cash than the cash floor."""

    code = "cash_floor_unreachable"


@dataclass(frozen=True, slots=True)
class Solution:
    """`shares` sold per item (negative: bought); `without_losses` items sell no loss lots.

    `objective` and `lower_bound` are in dollars; `cash_price` is the cost of the last dollar.
    """

    shares: tuple[float, ...]
    without_losses: tuple[bool, ...]
    cash: float
    objective: float
    lower_bound: float
    cash_price: float
    nodes: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """A feasible answer: vertex counts of a relaxed node, with some curves moved (cash, shares)."""

    objective: float
    relaxed: Relaxed
    moved: dict[int, tuple[float, float]]


@dataclass(slots=True)
class _Search:
    """Open nodes by bound, the best answer so far, and the smallest bound of the pruned nodes."""

    open: list[tuple[float, int, Relaxed]] = field(default_factory=list)
    best: _Answer | None = None
    given_up: float = math.inf
    nodes: int = 0
    pushed: int = 0


def solve(*, program: Program) -> Solution:
    """Return the cheapest answer found, with its certificate.

    Raises CashFloorUnreachable when no allowed sale raises enough cash.
    """
    base = base_of(program)
    search = _Search()
    root = relax(base, {})
    if root is None:
        most = program.cash + sum(part.points.cash[-1] for part in base.parts[:-1])
        raise CashFloorUnreachable(
            f"All permitted sales would leave {most:.2f} in cash, but {program.cash_floor:.2f} "
            "must remain. Lower the cash floor, or lift restrictions."
        )
    closed = GAP_CLOSED * abs(program.account_value)
    _push(search, root)
    while search.open and search.nodes < program.node_limit:
        bound, _, node = heapq.heappop(search.open)
        if search.best is not None and bound >= search.best.objective - closed:
            search.given_up = min(search.given_up, bound)
            break
        search.nodes += 1
        _improve(base, search, node)
        assert search.best is not None, "raising cash is always allowed, so an answer exists"
        if bound >= search.best.objective - closed:
            search.given_up = min(search.given_up, bound)
            continue
        branches = _branches(base, node)
        if not branches:
            search.given_up = min(search.given_up, bound)
        for parts in branches:
            child = relax(base, parts)
            if child is None:
                continue
            if child.bound >= search.best.objective - closed:
                search.given_up = min(search.given_up, child.bound)
            else:
                _push(search, child)
    assert search.best is not None, "raising cash is always allowed, so an answer exists"
    lower = min([search.best.objective, search.given_up, *(entry[0] for entry in search.open)])
    return _solution(base, search, lower)


def _push(search: _Search, node: Relaxed) -> None:
    # Equal bounds: the older node first; nodes themselves are never compared.
    heapq.heappush(search.open, (node.bound, search.pushed, node))
    search.pushed += 1


def _improve(base: Base, search: _Search, node: Relaxed) -> None:
    """Make feasible answers from the relaxed one and keep the cheapest."""
    program = base.program
    level = cash_level(base, node)
    psi = program.cash_phi.at
    counts = vertex_counts(base, node) if base.groups else None
    for cash, shares, change in _moves(base, node):
        moved = {} if node.owner == len(base.parts) - 1 else {node.owner: (cash, shares)}
        new_level = level + cash - node.at_cash
        value = node.bound + change
        if counts is not None:
            for i in _forbidden_purchases(base, node, counts, moved):
                at = _standing(base, node, counts, moved, i)
                hold = base.parts[i].points
                value += hold.cost[hold.shares.index(0.0)] - at[2]
                new_level -= at[0]
                moved[i] = (0.0, 0.0)
        if new_level < program.cash_floor - CASH_NOISE:
            continue
        value += psi(new_level) - psi(level)
        if search.best is None or value < search.best.objective:
            search.best = _Answer(value, node, moved)


def _moves(base: Base, node: Relaxed) -> list[tuple[float, float, float]]:
    """Return the allowed places near the fractional one: (cash, shares, cost above the hull's)."""
    if node.owner == len(base.parts) - 1:
        return [(node.at_cash, 0.0, 0.0)]
    part = part_of(base, node, node.owner)
    points = part.points
    left, right = hull_piece(part, node.at_cash)
    relaxed_cost = on_chord(points, left, right, node.at_cash)
    moves = [
        (points.cash[k], points.shares[k], points.cost[k] - relaxed_cost) for k in (left, right)
    ]
    m = interval_at(points, node.at_cash)
    if m >= len(points.kinds) or left == right:
        return moves
    shares, cost = interpolate(points=points, cash=node.at_cash, interval=m)
    if points.kinds[m] == LINEAR:
        moves.append((node.at_cash, shares, cost - relaxed_cost))
    elif points.kinds[m] == LATTICE:
        for whole in (math.floor(shares), math.ceil(shares)):
            cash = base.program.items[node.owner].cash(whole)
            at = interpolate(points=points, cash=cash, interval=m)
            moves.append((cash, float(whole), at[1] - relaxed_cost))
    else:
        moves += [
            (points.cash[k], points.shares[k], points.cost[k] - relaxed_cost) for k in (m, m + 1)
        ]
    return moves


def _standing(
    base: Base, node: Relaxed, counts: Ints, moved: dict[int, tuple[float, float]], i: int
) -> tuple[float, float, float]:
    """Return cash, shares and cost of item i in an answer."""
    part = part_of(base, node, i)
    points = part.points
    if i in moved:
        cash, shares = moved[i]
        at = interpolate(points=points, cash=cash, interval=interval_at(points, cash))
        return cash, shares, at[1]
    k = part.hull[int(counts[i])]
    return points.cash[k], points.shares[k], points.cost[k]


def _forbidden_purchases(
    base: Base, node: Relaxed, counts: Ints, moved: dict[int, tuple[float, float]]
) -> list[int]:
    """Return the items bought while a member of their identity group is sold at a loss."""
    bought: list[int] = []
    for group in base.groups:
        sells_loss = False
        for i in group:
            shares = _standing(base, node, counts, moved, i)[1]
            if shares > _loss_start(base, node, i):
                sells_loss = True
        if sells_loss:
            bought += [i for i in group if _standing(base, node, counts, moved, i)[1] < 0]
    return bought


def _loss_start(base: Base, node: Relaxed, i: int) -> float:
    """Return how many shares can be sold before the first loss lot."""
    if part_of(base, node, i).without_losses:
        return math.inf
    before = 0.0
    for lot in base.program.items[i].lots:
        if lot.is_loss:
            return before
        before += lot.shares
    return math.inf


def _branches(base: Base, node: Relaxed) -> list[dict[int, Part]]:
    """Return the node's two halves: by a violated identity group, else by the fractional curve."""
    if base.groups:
        counts = vertex_counts(base, node)
        moved = {}
        if node.owner < len(base.program.items):
            points = part_of(base, node, node.owner).points
            m = interval_at(points, node.at_cash)
            shares = points.shares[0]
            if points.kinds:
                shares = interpolate(points=points, cash=node.at_cash, interval=m)[0]
            moved = {node.owner: (node.at_cash, shares)}
        bought = _forbidden_purchases(base, node, counts, moved)
        if bought:
            group = next(group for group in base.groups if bought[0] in group)
            return _group_branches(base, node, group)
    if node.owner >= len(base.program.items):
        return []
    part = part_of(base, node, node.owner)
    cut = _cut(base, part, node)
    if cut is None:
        return []
    halves = (
        between(points=part.points, lowest=-math.inf, highest=cut[0]),
        between(points=part.points, lowest=cut[1], highest=math.inf),
    )
    return [
        {**node.parts, node.owner: part_from(half, part.without_losses)}
        for half in halves
        if half is not None
    ]


def _group_branches(base: Base, node: Relaxed, group: list[int]) -> list[dict[int, Part]]:
    """Return two halves, no purchase and no loss: every allowed answer is in one of them."""
    no_purchase, no_loss = dict(node.parts), dict(node.parts)
    for i in group:
        part = part_of(base, node, i)
        held = between(points=part.points, lowest=0.0, highest=math.inf)
        if held is None:
            no_purchase = {}
            break
        no_purchase[i] = part_from(held, part.without_losses)
    for i in group:
        part = part_of(base, node, i)
        full = curve(item=base.program.items[i], without_losses=True)
        lowest, highest = part.points.cash[0], part.points.cash[-1]
        rest = between(points=full, lowest=lowest, highest=highest)
        if rest is None:
            no_loss = {}
            break
        no_loss[i] = part_from(rest, without_losses=True)
    return [parts for parts in (no_purchase, no_loss) if parts]


def _cut(base: Base, part: Part, node: Relaxed) -> tuple[float, float] | None:
    """Return the cut of the curve: (end of the left half, start of the right half), in cash."""
    points = part.points
    left, right = hull_piece(part, node.at_cash)
    if left == right:
        return None
    above = [
        (points.cost[k] - on_chord(points, left, right, points.cash[k]), -k)
        for k in range(left + 1, right)
    ]
    tolerance = GAP_CLOSED * abs(base.program.account_value) / 4
    if above and max(above)[0] > tolerance:
        k = -max(above)[1]
        return points.cash[k], points.cash[k]
    m = interval_at(points, node.at_cash)
    if points.kinds[m] == GAP:
        return points.cash[m], points.cash[m + 1]
    if points.kinds[m] == LATTICE:
        shares = interpolate(points=points, cash=node.at_cash, interval=m)[0]
        item = base.program.items[node.owner]
        return item.cash(math.floor(shares)), item.cash(math.floor(shares) + 1)
    return None


def _solution(base: Base, search: _Search, lower: float) -> Solution:
    best = search.best
    assert best is not None
    counts = vertex_counts(base, best.relaxed)
    items = range(len(base.program.items))
    standing = [_standing(base, best.relaxed, counts, best.moved, i) for i in items]
    return Solution(
        shares=tuple(at[1] for at in standing),
        without_losses=tuple(part_of(base, best.relaxed, i).without_losses for i in items),
        cash=base.program.cash + math.fsum(at[0] for at in standing),
        objective=best.objective,
        lower_bound=lower,
        cash_price=best.relaxed.slope,
        nodes=search.nodes,
    )
