"""The cost of raising cash from one security: a curve of points, and its lower convex hull.

A security held at value a (dollars) sells q > 0 shares or buys -q > 0 shares at price p. Then

    cash     z(q) = p q (1 - c_sell) - F        selling; F is the brokerage fee of the trade
             z(q) = p q (1 + c_buy)  - F        buying (q and z are negative)
    cost     f(q) = taxes + p |q| (c + turnover) + F + phi(a - p q)
    taxes         = sum over lots of t_l x dollars sold, lots in selling order (mostly that of t_l)
    t_l           = rate_l x (1 - c_sell - basis_l / (p quantity_l))

phi is the drift penalty. It is convex, and zero inside the band except for a pull to the center.
The pull is smaller than the turnover term: it decides between equals and never causes a trade.

f is piecewise linear in z. It is convex except in four places, where the hull differs from it: the
hold point when a loss is worth more than a round trip, the gap below the minimum trade (and its
fixed fee), whole shares, where only integers between two kept points are allowed, and losses that
purchases wash: the shares sold first save nothing, the later ones do.

Worked example: 10 shares at 100, basis 50, rate 20 %, no costs, target 800, band 50, penalty 0.3.
Up to 1.5 shares sold, each dollar costs 0.10 tax and saves 0.30. From there to 2.5 shares (inside
the band) it costs 0.10; beyond that, 0.10 + 0.30. The slopes -0.20, +0.10, +0.40 rise, so the
curve is convex and equals its hull.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

# Dollars of reluctance per dollar traded, and of pull to the center of the band per dollar away
# from it (half of it in the inner half). Two trades cost more than the pull can earn: 2 x 2e-6 >
# 2 x 1e-6.
TURNOVER = 2e-6
CENTER_PULL = 1e-6
# The drift penalty doubles 5 % of account value outside the band, and again 15 % outside it.
PENALTY_STEPS = ((0.0, 1.0), (0.05, 2.0), (0.15, 4.0))
# Where a limit on the drift decides, every dollar of it costs the same: the steps above lie so many
# account values away.
EVEN_REACH = 1e3

# Kinds of the interval between two neighboring points.
GAP, LINEAR, LATTICE = 0, 1, 2

_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Penalty:
    """phi: convex, symmetric about `target`.

    From `offsets[k]` dollars away on (rising from 0), it has slope `slopes[k]`; at that point its
    height is `heights[k]`.
    """

    target: float
    offsets: tuple[float, ...]
    slopes: tuple[float, ...]
    heights: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return the penalty in dollars for holding `value` dollars."""
        away = abs(value - self.target)
        k = bisect_right(self.offsets, away) - 1
        return self.heights[k] + self.slopes[k] * (away - self.offsets[k])

    def slope_up(self, value: float) -> float:
        """Return the slope of phi just above `value`."""
        away = value - self.target
        if away >= 0:
            return self.slopes[bisect_right(self.offsets, away) - 1]
        return -self.slopes[max(bisect_left(self.offsets, -away) - 1, 0)]

    def breaks(self) -> list[float]:
        """Return the values at which the slope changes."""
        below = [self.target - offset for offset in self.offsets[:0:-1]]
        return below + [self.target + offset for offset in self.offsets]


def penalty(*, target: float, band: float, weight: float, account_value: float) -> Penalty:
    """Return phi about `target`, half-width `band` (dollars), `weight` per dollar outside."""
    offsets: list[float] = []
    slopes: list[float] = []
    if band > 0:
        offsets += [0.0, band / 2]
        slopes += [CENTER_PULL / 2, CENTER_PULL]
    for beyond, multiple in PENALTY_STEPS:
        offsets.append(band + beyond * account_value)
        slopes.append(CENTER_PULL + multiple * weight)
    heights = [0.0]
    for k in range(1, len(offsets)):
        heights.append(heights[-1] + slopes[k - 1] * (offsets[k] - offsets[k - 1]))
    return Penalty(target, tuple(offsets), tuple(slopes), tuple(heights))


@dataclass(frozen=True, slots=True)
class TaxLot:
    """A lot, or a part of one, in selling order.

    `tax` is t_l above, with the price of a gain budget; `index` is its place in the security's
    lots; gain: taxable gain per dollar sold, 0 for a loss.
    """

    index: int
    shares: float
    tax: float
    is_loss: bool
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Item:
    """One security in the solver. Shares and dollars are floats; lots are in selling order.

    washed: how many shares of its losses are washed, the first ones sold, and save no tax;
    turnover: reluctance per dollar traded, with the price of a turnover budget.
    """

    symbol: str
    price: float
    held: float
    phi: Penalty
    lots: tuple[TaxLot, ...]
    sell_cost: float = 0.0
    buy_cost: float = 0.0
    fee: float = 0.0
    fee_after_tax: float = 0.0
    minimum_shares: float = 0.0
    sell_max: float = 0.0
    buy_max: float = 0.0
    whole: bool = False
    group: str | None = None
    washed: float = 0.0
    turnover: float = TURNOVER

    def cash(self, shares: float) -> float:
        """Return z: the cash raised when `shares` are sold (negative: bought)."""
        if shares > 0:
            return self.price * shares * (1 - self.sell_cost) - self.fee
        if shares < 0:
            return self.price * shares * (1 + self.buy_cost) - self.fee
        return 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in rising z: shares sold, cash, cost; `kinds[k]` is the interval from k to k + 1."""

    shares: list[float]
    cash: list[float]
    cost: list[float]
    kinds: list[int]


def curve(*, item: Item, without_losses: bool = False) -> Curve:
    """Return the points of f between the largest purchase and the largest sale.

    `without_losses` removes the loss lots from the sale side: the curve of a security whose
    identity group is bought in the same run.
    """
    lots = [lot for lot in item.lots if not (without_losses and lot.is_loss)]
    sell_max = item.sell_max
    if without_losses:
        sell_max = min(sell_max, sum(lot.shares for lot in lots))
    held_value = item.price * item.held
    bends = [(held_value - value) / item.price for value in item.phi.breaks()]
    bought, buy_kinds = _side(item, (-bend for bend in bends if bend < 0), item.buy_max)
    edges: list[float] = []
    total = 0.0
    for lot in lots:
        total += lot.shares
        edges.append(total)
    edges += [bend for bend in bends if bend > 0]
    sold, sell_kinds = _side(item, edges, sell_max)
    bought.reverse()
    shares = [-q for q in bought] + [0.0] + sold
    cost = [_cost_of_purchase(item, q, held_value) for q in bought]
    cost.append(item.phi.at(held_value))
    cost += _costs_of_sales(item, lots, sold, held_value)
    return Curve(shares, [item.cash(q) for q in shares], cost, buy_kinds[::-1] + sell_kinds)


def _side(item: Item, edges: Iterable[float], largest: float) -> tuple[list[float], list[int]]:
    """Return the relevant share counts on one side, outward, and the intervals before them."""
    points: list[float] = []
    kinds: list[int] = []
    if item.whole:
        last, first = math.floor(largest + _CLOSE), max(1, math.ceil(item.minimum_shares - _CLOSE))
        kept = {first, last}
        for edge in edges:
            kept.update((math.floor(edge + _CLOSE), math.ceil(edge - _CLOSE)))
        points = [float(n) for n in sorted(kept) if first <= n <= last]
        kinds = [LATTICE if b - a > 1.5 else GAP for a, b in zip(points, points[1:], strict=False)]
        return points, [GAP, *kinds] if points else []
    start = item.minimum_shares
    if largest <= 0 or largest < start:
        return [], []
    previous = 0.0
    if start > 0:
        points, kinds, previous = [start], [GAP], start
    for edge in [*sorted(edges), largest]:
        if edge > previous + _CLOSE * largest and edge <= largest:
            points.append(edge)
            kinds.append(LINEAR)
            previous = edge
    return points, kinds


def _cost_of_purchase(item: Item, shares: float, held_value: float) -> float:
    dollars = item.price * shares
    return dollars * (item.buy_cost + item.turnover) + item.fee + item.phi.at(held_value + dollars)


def _costs_of_sales(
    item: Item, lots: list[TaxLot], sold: list[float], held_value: float
) -> list[float]:
    """Return f at each of the rising share counts `sold`."""
    costs = []
    rate = item.sell_cost + item.turnover
    tax_before = sold_before = 0.0
    k = 0
    for shares in sold:
        while k < len(lots) - 1 and sold_before + lots[k].shares <= shares:
            tax_before += item.price * lots[k].shares * lots[k].tax
            sold_before += lots[k].shares
            k += 1
        dollars = item.price * shares
        tax = tax_before + item.price * (shares - sold_before) * lots[k].tax
        costs.append(tax + dollars * rate + item.fee_after_tax + item.phi.at(held_value - dollars))
    return costs


def lower_hull(*, cash: list[float], cost: list[float]) -> list[int]:
    """Return the indices of the points on the lower convex hull, left to right (monotone chain)."""
    hull: list[int] = []
    for k, (z, f) in enumerate(zip(cash, cost, strict=True)):
        while len(hull) >= 2:
            a, b = hull[-2], hull[-1]
            rise = (cost[b] - cost[a]) * (z - cash[a])
            if rise <= (f - cost[a]) * (cash[b] - cash[a]):
                break
            hull.pop()
        if hull and z <= cash[hull[-1]]:
            if f >= cost[hull[-1]]:
                continue
            hull.pop()
        hull.append(k)
    return hull


def between(*, points: Curve, lowest: float, highest: float) -> Curve | None:
    """Return the part of the curve with cash in [lowest, highest]; None if there is none.

    An end inside a LINEAR or LATTICE interval becomes a point: the caller cuts a lattice only at
    one of its own points.
    """
    part = Curve([], [], [], [])
    cuts = sorted({lowest, highest})
    for k, z in enumerate(points.cash):
        if k and points.kinds[k - 1] != GAP:
            for cut in cuts:
                if points.cash[k - 1] < cut < z:
                    _append(part, points, cut, k - 1, points.kinds[k - 1])
        if lowest <= z <= highest:
            _append(part, points, z, k, points.kinds[k - 1] if k else GAP)
    return part if part.cash else None


def _append(part: Curve, points: Curve, cash: float, k: int, kind_before: int) -> None:
    """Add the point of interval k at `cash`; `kind_before` joins it to the point before it."""
    shares, cost = interpolate(points=points, cash=cash, interval=k)
    if part.cash:
        part.kinds.append(kind_before)
    part.shares.append(shares)
    part.cash.append(cash)
    part.cost.append(cost)


def interpolate(*, points: Curve, cash: float, interval: int) -> tuple[float, float]:
    """Return shares and cost at `cash` on the line from point `interval` to the next."""
    start = points.cash[interval]
    if cash == start:
        return points.shares[interval], points.cost[interval]
    share = (cash - start) / (points.cash[interval + 1] - start)
    shares = points.shares[interval]
    cost = points.cost[interval]
    return (
        shares + share * (points.shares[interval + 1] - shares),
        cost + share * (points.cost[interval + 1] - cost),
    )
