"""The value of a strategy from day to day, by the version that was valid on it. Pure.

    base      1 at the close of the first weekday after the day of publication (UTC), less the cost
              of buying. A version is traded at the first close after its publication day, so that
              nobody can publish what the close has already shown
    move      w_a <- w_a * g_a / total, total = cash + sum of w_a * g_a; value <- value * total
    rebalance to the targets when a version is new, a scheduled day has come, a weight has left its
              band, or something could not be traded the last time
    frozen    an asset without a close of its own on the day is not traded at an old price. The
              others share what is left in proportion to their targets
    cost      sum of |target - w_a| * half spread of a; value <- value * (1 - cost). What is
              frozen pays no part of it
    turnover  the lesser of purchases and sales (SEC Form N-1A, item 13), as a fraction of value

Figures are rounded to DECIMALS after every day, so thirty days computed at once are the same as
thirty nights. What is not in an asset is cash in the strategy's currency, and earns nothing.

Worked example: two halves, A grows 10 %, B stands: value 1.05, weights 0.5238 and 0.4762. With a
band of 0.02 both are traded back: purchases 0.0238, cost at 10 basis points 0.0000476.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from recommendations.strategies.growth import Growth, Market
from recommendations.strategies.rules import Schedule

DECIMALS = 12
_SAME = 1e-9


_MONTHS = {Schedule.MONTHLY: 1, Schedule.QUARTERLY: 3, Schedule.YEARLY: 12}


@dataclass(frozen=True, slots=True)
class Plan:
    """A version as the walk reads it: targets as fractions, bands in weight, a schedule."""

    version: int
    # The day (ordinal) on which the version was published.
    published: int
    targets: Mapping[int, float]
    # How far a weight may leave its target; without an entry, any distance.
    bands: Mapping[int, float] = field(default_factory=dict)
    schedule: Schedule = Schedule.NEVER


@dataclass(frozen=True, slots=True)
class State:
    """The end of a recorded day: value, weights by asset, the version held, trades still due."""

    value: float
    weights: Mapping[int, float]
    version: int
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A recorded day and the state at its end.

    `gain` is the return of the day after costs. `carried` and `ended` are symbols: held without a
    close of their own, and turned into cash.
    """

    day: int
    state: State
    gain: float
    turnover: float
    cost: float
    carried: tuple[str, ...]
    ended: tuple[str, ...]
    # Something that is held has a close of its own on this day.
    session: bool
    # Something that traded within a week has no close of this day, which may still arrive.
    late: bool


def first_day(published: int) -> int:
    """Return the first weekday after the day of publication."""
    day = published + 1
    return day + max(0, 7 - (day - 1) % 7) if (day - 1) % 7 > 4 else day


def valid(plans: Sequence[Plan], day: int) -> Plan | None:
    """Return the version whose trades the close of a day may have; plans ascend by version."""
    found = None
    for plan in plans:
        if plan.published < day:
            found = plan
    return found


def walk(
    *,
    plans: Sequence[Plan],
    market: Market,
    state: State | None,
    base: int | None = None,
    until: int | None = None,
    settled: int | None = None,
) -> list[Day]:
    """Return the days after `base` (an ordinal; default: the market's first), the day of `state`.

    Without a state the first of the market's days with a valid version is the base of the record.
    The days end with `until`, and before a day after `settled` on which a close is late.
    """
    days: list[Day] = []
    start = 0 if state is None else 1 + (market.days.index(base) if base is not None else 0)
    for k in range(start, len(market.days)):
        day = market.days[k]
        plan = valid(plans, day)
        if until is not None and day > until:
            break
        if plan is None:
            continue
        found = _step(state, k, plan, market)
        if settled is not None and day > settled and found.late:
            break
        state = found.state
        days.append(found)
    return days


def _step(state: State | None, k: int, plan: Plan, market: Market) -> Day:
    before = 1.0 if state is None else state.value
    grown, total, ended = _moved(state, k, market)
    due = (
        state is None
        or state.version != plan.version
        or state.pending
        or _scheduled(plan.schedule, market.days[k - 1], market.days[k])
    )
    carried = tuple(
        sorted(market.assets[pk].symbol for pk in grown if not market.assets[pk].own[k])
    )
    wanted = _wanted(grown, k, plan, market)
    turnover = cost = 0.0
    pending = False
    if due or _outside(grown, wanted, plan):
        turnover, cost = _traded(grown, wanted, market)
        session = any(market.assets[pk].own[k] for pk in {*grown, *wanted})
        grown = _paid(grown, wanted, cost)
        pending = _waits(grown, k, plan, market)
    else:
        session = any(market.assets[pk].own[k] for pk in grown)
    value = _rounded(before * total * (1.0 - cost))
    weights = {pk: _rounded(w) for pk, w in sorted(grown.items()) if _rounded(w) > 0}
    version = plan.version
    return Day(
        day=market.days[k],
        state=State(value, weights, version, pending),
        gain=_rounded(value / before - 1.0) if before > 0 else 0.0,
        turnover=_rounded(turnover),
        cost=_rounded(cost),
        carried=carried,
        ended=ended,
        session=session,
        late=pending or any(_late(market.assets[pk], k) for pk in grown),
    )


def _moved(
    state: State | None, k: int, market: Market
) -> tuple[dict[int, float], float, tuple[str, ...]]:
    """Return the weights after the day's growth, the growth of the whole, and what ended."""
    if state is None:
        return {}, 1.0, ()
    cash = 1.0 - sum(state.weights.values())
    worth = {}
    for pk, weight in state.weights.items():
        factor = float(market.assets[pk].factor[k])
        # Without a rate of the day the value of the day before stands; the day says so.
        worth[pk] = weight if math.isnan(factor) else weight * factor
    total = cash + sum(worth.values())
    if total <= 0:
        return {}, 0.0, tuple(sorted(market.assets[pk].symbol for pk in worth))
    gone = {pk for pk in worth if market.assets[pk].over[k]}
    left = {pk: value / total for pk, value in worth.items() if pk not in gone}
    return left, total, tuple(sorted(market.assets[pk].symbol for pk in gone))


def _scheduled(schedule: Schedule, before: int, day: int) -> bool:
    """Return whether a day is the first recorded one of a month, quarter or year."""
    months = _MONTHS.get(schedule)
    if months is None:
        return False
    periods = [(one.year * 12 + one.month - 1) // months for one in map(_date, (before, day))]
    return periods[0] != periods[1]


def _date(day: int) -> date:
    return date.fromordinal(day)


def _wanted(grown: Mapping[int, float], k: int, plan: Plan, market: Market) -> dict[int, float]:
    """Return the weights that a rebalance gives to everything that can be traded on the day."""
    tradable = {pk for pk in {*grown, *plan.targets} if market.assets[pk].own[k]}
    frozen = sum(weight for pk, weight in grown.items() if pk not in tradable)
    targets = {pk: plan.targets.get(pk, 0.0) for pk in tradable}
    stated = sum(plan.targets.values())
    # Targets below one hundred percent leave the rest in cash.
    rest = max(0.0, 1.0 - stated)
    spread = sum(targets.values()) + rest
    if spread <= 0:
        return dict.fromkeys(tradable, 0.0)
    share = max(0.0, 1.0 - frozen) / spread
    return {pk: target * share for pk, target in targets.items()}


def _outside(grown: Mapping[int, float], wanted: Mapping[int, float], plan: Plan) -> bool:
    return any(
        abs(grown.get(pk, 0.0) - target) > plan.bands[pk] + _SAME
        for pk, target in wanted.items()
        if pk in plan.bands
    )


def _traded(
    grown: Mapping[int, float], wanted: Mapping[int, float], market: Market
) -> tuple[float, float]:
    """Return turnover and cost of trading to the wanted weights, as fractions of the value."""
    bought = sold = cost = 0.0
    for pk, target in wanted.items():
        change = target - grown.get(pk, 0.0)
        bought, sold = bought + max(change, 0.0), sold + max(-change, 0.0)
        cost += abs(change) * market.assets[pk].half_spread
    return min(bought, sold), cost


def _late(growth: Growth, k: int) -> bool:
    """Return whether an asset that traded within a week has no close of its own on the day."""
    return not (growth.own[k] or growth.stale[k] or growth.over[k])


def _paid(grown: Mapping[int, float], wanted: Mapping[int, float], cost: float) -> dict[int, float]:
    """Return the weights after a rebalance whose cost was paid by what was traded."""
    frozen = {pk: weight for pk, weight in grown.items() if pk not in wanted}
    traded = 1.0 - sum(frozen.values())
    if traded <= 0:
        return dict(grown)
    left = (traded - cost) / traded
    weights = {**frozen, **{pk: weight * left for pk, weight in wanted.items()}}
    return {pk: weight / (1.0 - cost) for pk, weight in weights.items()}


def _waits(grown: Mapping[int, float], k: int, plan: Plan, market: Market) -> bool:
    """Return whether something with a recent close is off its target and had none today."""
    return any(
        _late(growth, k) and abs(grown.get(pk, 0.0) - plan.targets.get(pk, 0.0)) > _SAME
        for pk, growth in ((pk, market.assets[pk]) for pk in {*grown, *plan.targets})
    )


def _rounded(value: float) -> float:
    # Zero has one sign, so that it has one text.
    return round(value, DECIMALS) + 0.0
