"""Limits that hold for the whole account: its drift, its turnover and the gains it realizes.

    minimize  f(x)   subject to   u_r(x) <= L_r   for each limit r

    drift      u = sum of |value - target|, cash included = 2 x drift x account value
    turnover   u = money bought + money sold
    gain       u = gains of the lots sold; losses make no room for more

Each limit is a coupling row beside the cash row. It gets a price p_r >= 0, which the solver adds to
the cost of a dollar out of place, traded or gained. For any prices

    min f + p u  -  p L   is a lower bound of the limited problem,

so the largest one found is kept. In one price this bound is concave, and each answer of the solver
is a tangent to it. The next price is where the tangents of a price too low and of one too high
meet. At the best price both answers cost the same, and their mixture that uses exactly L costs
what the bound says, wherever the curves are convex. Where they are not (whole shares, a smallest
trade, harvested losses), the nearest allowed mixture is taken, and the gap says what it costs.

Worked example: a drift limit of 10 % in an account of 1,000 with 700 of A (target 500) and 300 of
B, no costs, 100 of A taxed at 0.02 a dollar and the rest at 0.20. Out of place: 400, limit: 200.
Moving 100 dollars brings it to 200. Below a price of 0.01 nothing is sold, above it the first lot:
tax 2, bound 0.01 x 400 - 0.01 x 200 = 2.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from recommendations.engine.hulls import Item
from recommendations.engine.problem import ZERO, RebalanceInputs
from recommendations.engine.program import Aims, Prices, program
from recommendations.engine.relaxation import CASH_NOISE, Program
from recommendations.engine.solver import Solution, solve

DRIFT, TURNOVER, GAIN = "drift", "turnover", "gain"
# The highest price of each limit: above it no trade that anything but the cash floor asks for
# pays. Gains may be a small part of a dollar sold, so their price goes further.
_PRICE_MAX = {DRIFT: 1.0, TURNOVER: 16.0, GAIN: 4096.0}
_PRICE_FIRST = {DRIFT: 1e-3, TURNOVER: 1e-3, GAIN: 1e-2}
_STEPS_MAX = 40
_ROUNDS_MAX = 3
# Answers whose costs differ by less than this share of account value are equally good.
_EQUAL = 1e-10
_WHOLE = 1e-6


class Uses(NamedTuple):
    """What an answer uses of each limit, in money."""

    drift: float
    turnover: float
    gain: float

    def of(self, name: str) -> float:
        """Return the use of the limit of this name."""
        return float(getattr(self, name))


@dataclass(frozen=True, slots=True)
class Point:
    """An answer at some prices; cost: with the prices in it."""

    task: Program
    solution: Solution
    prices: Prices
    cost: float
    uses: Uses

    def price(self, name: str) -> float:
        """Return the price of a limit."""
        return float(getattr(self.prices, name) or 0.0)


@dataclass(slots=True)
class Limited:
    """The answers on both sides of the limits, and the largest lower bound found.

    limits: in money; missed: limits that no answer keeps (only the drift may be missed); base: the
    program whose penalties the bound counts.
    """

    limits: dict[str, float]
    base: Program
    bound: float = -math.inf
    low: Point | None = None
    high: Point | None = None
    missed: set[str] = field(default_factory=set)

    def answers(self, slack: dict[str, float]) -> Iterator[tuple[Program, Solution]]:
        """Return answers that leave `slack` of the limits unused, the best mixtures first."""
        assert self.high is not None, "the search has ended"
        limits = {
            name: limit - slack.get(name, 0.0)
            for name, limit in self.limits.items()
            if name not in self.missed
        }
        found = list(self.between(limits))
        if not found:
            found = list(self._smaller(limits))
        found.sort(key=self._unpriced)
        for point in found:
            yield point.task, point.solution

    def _unpriced(self, point: Point) -> float:
        """Return the cost of an answer without the prices of the limits it keeps."""
        kept = (name for name in self.limits if name not in self.missed)
        return point.cost - sum(point.price(name) * point.uses.of(name) for name in kept)

    def between(self, limits: dict[str, float]) -> Iterator[Point]:
        """Return the answer that keeps the limits, and mixtures that use all of one."""
        low, high = self.low, self.high
        assert high is not None, "the search has ended"
        if _keeps(high.uses, limits):
            yield high
        if low is not None and low.solution.without_losses == high.solution.without_losses:
            yield from _mixtures(low, high, limits)

    def _smaller(self, limits: dict[str, float]) -> Iterator[Point]:
        """Return answers in which every trade is smaller: where prices alone keep no limit."""
        high = self.high
        assert high is not None, "the search has ended"
        hold = _answer(high.task, high.prices, (0.0,) * len(high.task.items), high.solution)
        if hold.solution.cash >= hold.task.cash_floor - CASH_NOISE and _keeps(hold.uses, limits):
            yield hold
        yield from _mixtures(hold, high, limits)


def limits_of(*, inputs: RebalanceInputs, aims: Aims) -> dict[str, float]:
    """Return the limits of the account in money; empty if it has none."""
    settings = inputs.settings
    found = {}
    if settings.drift_limit is not None:
        found[DRIFT] = float(2 * settings.drift_limit * aims.account_value)
    if settings.turnover_budget is not None:
        found[TURNOVER] = float(settings.turnover_budget)
    if settings.gain_budget is not None:
        found[GAIN] = float(settings.gain_budget)
    return found


def limited(*, inputs: RebalanceInputs, aims: Aims, free_sales: bool) -> Limited:
    """Return the cheapest answers found on both sides of the limits, and a bound of the cost.

    Budgets come before a limit on the drift: if they do not let it be reached, its price remains as
    a penalty. Raise CashFloorUnreachable as `solve` does.
    """
    limits = limits_of(inputs=inputs, aims=aims)
    unpriced = sum(
        (
            target
            for security, target in zip(inputs.securities, aims.securities, strict=True)
            if security.price is None
        ),
        ZERO,
    )
    if DRIFT in limits:
        # What has no price stays out of place, whatever is traded.
        limits[DRIFT] = max(limits[DRIFT] - float(unpriced), 0.0)

    def at(prices: Prices) -> Point:
        task = program(inputs=inputs, aims=aims, free_sales=free_sales, prices=prices)
        return _answer(task, prices, None, solve(program=task))

    point = at(Prices(drift=0.0) if DRIFT in limits else Prices())
    found = Limited(limits, base=point.task)
    found.high = _kept(found, point)
    if DRIFT in limits and not _keeps(point.uses, {DRIFT: limits[DRIFT]}):
        _bracket(found, at, DRIFT, point)
        if not _keeps(found.high.uses, {DRIFT: limits[DRIFT]}):
            miss_drift(found)
    budgets = {name: limit for name, limit in limits.items() if name != DRIFT}
    if DRIFT in limits and DRIFT not in found.missed:
        if next(found.between(limits), None) is not None:
            return found
        miss_drift(found)
    for _ in range(_ROUNDS_MAX):
        point = found.high
        broken = [name for name in budgets if not _keeps(point.uses, {name: budgets[name]})]
        if not broken:
            return found
        _bracket(found, at, broken[0], point)
    return found


def miss_drift(found: Limited) -> None:
    """Let the limit on the drift go: what it cost remains as a penalty."""
    point = found.high
    assert point is not None, "a point has been found"
    found.missed.add(DRIFT)
    found.low = None
    found.base = replace(
        found.base,
        items=tuple(
            replace(item, phi=priced.phi)
            for item, priced in zip(found.base.items, point.task.items, strict=True)
        ),
        cash_phi=point.task.cash_phi,
    )
    found.bound = -math.inf
    _kept(found, point)


def _kept(found: Limited, point: Point) -> Point:
    """Raise the bound by what the solver proved at these prices."""
    paid = sum(
        point.price(name) * limit
        for name, limit in found.limits.items()
        if name not in found.missed
    )
    found.bound = max(found.bound, point.solution.lower_bound - paid)
    return point


def _bracket(found: Limited, at: Callable[[Prices], Point], name: str, low: Point) -> None:
    """Find the best price of one limit, with the prices of the others as they are in `low`."""
    limit = found.limits[name]

    def priced(price: float) -> Point:
        return _kept(found, at(replace(low.prices, **{name: price})))

    price = max(_PRICE_FIRST[name], 2 * low.price(name))
    high = priced(price)
    while not _keeps(high.uses, {name: limit}):
        if price >= _PRICE_MAX[name]:
            found.low, found.high = None, high
            return
        low, price = high, min(price * 8, _PRICE_MAX[name])
        high = priced(price)
    equal = _EQUAL * abs(high.task.account_value)
    for _ in range(_STEPS_MAX):
        saved = low.uses.of(name) - high.uses.of(name)
        first = low.cost - low.price(name) * low.uses.of(name)
        last = high.cost - high.price(name) * high.uses.of(name)
        price = (last - first) / saved if saved > 0 else math.nan
        if not low.price(name) < price < high.price(name):
            break
        point = priced(price)
        if point.cost >= first + price * low.uses.of(name) - equal:
            break
        if _keeps(point.uses, {name: limit}):
            high = point
        else:
            low = point
    found.low, found.high = low, high


def _keeps(uses: Uses, limits: dict[str, float]) -> bool:
    return all(uses.of(name) <= limit + CASH_NOISE for name, limit in limits.items())


def _mixtures(low: Point, high: Point, limits: dict[str, float]) -> Iterator[Point]:
    for name, limit in limits.items():
        first, last = low.uses.of(name), high.uses.of(name)
        share = (limit - last) / (first - last) if first != last else 0.0
        if 0 < share <= 1:
            yield from _mixed(low, high, share, limits)


def _mixed(low: Point, high: Point, share: float, limits: dict[str, float]) -> Iterator[Point]:
    """Return allowed answers near the mixture of two answers: `share` of the first one."""
    exact = [
        share * first + (1 - share) * last
        for first, last in zip(low.solution.shares, high.solution.shares, strict=True)
    ]
    for outward in (False, True):
        shares = tuple(
            _allowed(item, wanted, last, outward)
            for item, wanted, last in zip(high.task.items, exact, high.solution.shares, strict=True)
        )
        if _washes_itself(high.task, shares, high.solution.without_losses):
            continue
        point = _answer(high.task, high.prices, shares, high.solution)
        if point.solution.cash >= high.task.cash_floor - CASH_NOISE and _keeps(point.uses, limits):
            yield point


def _allowed(item: Item, wanted: float, otherwise: float, outward: bool) -> float:
    """Return the allowed share count next to `wanted`, or that of the other answer."""
    if wanted == otherwise:
        return wanted
    most = item.sell_max if wanted > 0 else item.buy_max
    count = abs(wanted)
    if item.whole:
        count = math.ceil(count - _WHOLE) if outward else math.floor(count + _WHOLE)
    if count and (count < item.minimum_shares or count > most + _WHOLE):
        return otherwise
    return math.copysign(min(count, most), wanted) if count else 0.0


def _washes_itself(
    task: Program, shares: tuple[float, ...], without_losses: tuple[bool, ...]
) -> bool:
    """Return whether an identity group sells at a loss and buys at once."""
    buys, loses = set(), set()
    for item, sold, kept_out in zip(task.items, shares, without_losses, strict=True):
        if item.group is None:
            continue
        if sold < 0:
            buys.add(item.group)
        if sold > 0 and not kept_out and any(lot.is_loss for lot in item.lots):
            loses.add(item.group)
    return bool(buys & loses)


def _answer(
    task: Program, prices: Prices, shares: tuple[float, ...] | None, solution: Solution
) -> Point:
    """Return the cost and the uses of a solution, or of other shares sold in its place."""
    wanted = solution.shares if shares is None else shares
    costs, turnover, gain, drift = [], [], [], []
    raised = [task.cash]
    for item, sold, kept_out in zip(task.items, wanted, solution.without_losses, strict=True):
        dollars = item.price * abs(sold)
        value = item.price * (item.held - sold)
        costs.append(item.phi.at(value))
        drift.append(abs(value - item.phi.target))
        if not sold:
            continue
        raised.append(item.cash(sold))
        turnover.append(dollars)
        rate = item.sell_cost if sold > 0 else item.buy_cost
        costs.append(dollars * (rate + item.turnover))
        costs.append(item.fee_after_tax if sold > 0 else item.fee)
        left = max(sold, 0.0)
        for lot in item.lots:
            if left <= 0:
                break
            if kept_out and lot.is_loss:
                continue
            taken = min(left, lot.shares)
            costs.append(item.price * taken * lot.tax)
            gain.append(item.price * taken * lot.gain)
            left -= taken
    cash = math.fsum(raised)
    costs.append(task.cash_phi.at(cash))
    drift.append(abs(cash - task.cash_phi.target))
    uses = Uses(math.fsum(drift), math.fsum(turnover), math.fsum(gain))
    if shares is None:
        return Point(task, solution, prices, solution.objective, uses)
    made = replace(solution, shares=wanted, cash=cash)
    return Point(task, made, prices, math.fsum(costs), uses)
