"""Rebalance one account: check the inputs, solve, price the trades exactly, explain them.

    inputs (Decimal) -> aims, program (float) -> solution, certificate -> fills (Decimal) -> result

The same inputs give the same result to the byte, on any day and in any order of their parts: this
code reads no clock, no database and no random number. The reported gap belongs to the rounded
trades: their cost, recomputed exactly, less the solver's lower bound, in basis points of account
value.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal, localcontext

from core.money import quantize
from recommendations.engine.limits import (
    DRIFT,
    GAIN,
    TURNOVER,
    Limited,
    limited,
    limits_of,
    miss_drift,
)
from recommendations.engine.problem import (
    ENGINE_VERSION,
    ZERO,
    RebalanceInputs,
    canonical,
    ensure_valid,
    ensure_version,
)
from recommendations.engine.program import Aims, aims, program
from recommendations.engine.reasons import (
    Standing,
    cautions,
    held_too_briefly,
    left_out,
    set_aside,
    skip_reason,
    standings,
    trade_reason,
)
from recommendations.engine.relaxation import Program
from recommendations.engine.result import (
    Drift,
    RebalanceResult,
    SecurityDrift,
    Skipped,
    Totals,
    Trade,
    result_json,
)
from recommendations.engine.solver import CashFloorUnreachable, Solution, solve
from recommendations.engine.trades import Fill, fills, priced
from recommendations.engine.used_limits import clash, excesses, limit_uses

__all__ = ["ENGINE_VERSION", "rebalance", "result_json"]

WEIGHT_STEP = Decimal("0.000001")
# How often orders are made smaller until their rounded money keeps every limit.
_ATTEMPTS_MAX = 8
# The part of a drift limit that is aimed at if costs take every answer just over it.
_NEARER = Decimal("0.99")
# A budget counts as used up from this share of it on: the next trade may be larger than the rest.
_NEARLY_ALL = Decimal("0.98")
_CONTEXT = Context(prec=60)


def rebalance(*, inputs: RebalanceInputs) -> RebalanceResult:
    """Return the trades for one account.

    Raises InvalidInput (a code of `ensure_valid`), Conflict (engine_version_unknown) and
    CashFloorUnreachable. An account worth nothing gets no trades.
    """
    with localcontext(_CONTEXT):
        ordered, goals, task = _task(inputs)
        if limits_of(inputs=ordered, aims=goals):
            return _within_limits(ordered, goals)
        try:
            solution = solve(program=task)
        except CashFloorUnreachable:
            task = program(inputs=ordered, aims=goals, free_sales=True)
            solution = solve(program=task)
        done = fills(inputs=ordered, program=task, solution=solution)
        return _result(ordered, goals, task, solution, done)


def _within_limits(inputs: RebalanceInputs, goals: Aims) -> RebalanceResult:
    """Return the trades of an account with limits: none uses more than it may, to the cent."""
    found = _limited(inputs, goals)
    result = _first_kept(inputs, goals, found)
    limit = inputs.settings.drift_limit
    if result is None and limit is not None and DRIFT not in found.missed:
        # Costs and rounding take every answer over the limit: take one nearer to the targets.
        settings = replace(inputs.settings, drift_limit=limit * _NEARER)
        nearer = _limited(replace(inputs, settings=settings), goals)
        if DRIFT not in nearer.missed:
            nearer.bound = found.bound
            result = _first_kept(inputs, goals, nearer)
        if result is None:
            miss_drift(found)
            result = _first_kept(inputs, goals, found)
    if result is None:
        raise clash(inputs=inputs, missed=found.missed)
    return replace(result, limits=limit_uses(inputs=inputs, result=result))


def _limited(inputs: RebalanceInputs, goals: Aims) -> Limited:
    try:
        return limited(inputs=inputs, aims=goals, free_sales=False)
    except CashFloorUnreachable:
        return limited(inputs=inputs, aims=goals, free_sales=True)


def _first_kept(inputs: RebalanceInputs, goals: Aims, found: Limited) -> RebalanceResult | None:
    """Return the best answer whose rounded money keeps the limits, if one does."""
    slack: dict[str, float] = {}
    for attempt in range(_ATTEMPTS_MAX):
        over: dict[str, float] = {}
        for task, solution in found.answers(slack):
            if over and attempt < _ATTEMPTS_MAX - 1:
                # The best answer, a little smaller, comes before the next one.
                break
            try:
                done = fills(inputs=inputs, program=task, solution=solution)
            except CashFloorUnreachable:
                continue
            proved = replace(solution, lower_bound=found.bound)
            result = _result(inputs, goals, task, proved, done, base=found.base)
            excess = excesses(inputs=inputs, result=result, missed=found.missed)
            if not excess:
                return result
            over = over or excess
        if not over:
            return None
        for name, excess_now in over.items():
            slack[name] = slack.get(name, 0.0) + excess_now
    return None


def whole_orders(*, inputs: RebalanceInputs, solution: Solution) -> dict[int, Decimal]:
    """Return a solution's orders in exact arithmetic: sold by place, negative if bought.

    `solution` is in the canonical order. Raises what `rebalance` raises.
    """
    with localcontext(_CONTEXT):
        ordered, _, task = _task(inputs)
        return {
            fill.index: fill.sold for fill in fills(inputs=ordered, program=task, solution=solution)
        }


def explained(
    *, inputs: RebalanceInputs, solution: Solution, sold: Mapping[int, Decimal]
) -> RebalanceResult:
    """Return the result of whole orders that were made before: each priced and explained."""
    with localcontext(_CONTEXT):
        ordered, goals, task = _task(inputs)
        done = priced(inputs=ordered, program=task, solution=solution, sold=sold)
        return _result(ordered, goals, task, solution, done)


def _task(inputs: RebalanceInputs) -> tuple[RebalanceInputs, Aims, Program]:
    """Check the inputs; return them in canonical order, with their aims and the solver's input."""
    ensure_version(inputs.engine_version)
    ensure_valid(inputs=inputs)
    ordered = canonical(inputs=inputs)
    goals = aims(inputs=ordered)
    return ordered, goals, program(inputs=ordered, aims=goals)


def _result(
    inputs: RebalanceInputs,
    goals: Aims,
    task: Program,
    solution: Solution,
    done: tuple[Fill, ...],
    base: Program | None = None,
) -> RebalanceResult:
    """Return the result; base: the program whose penalties the bound counts, if not `task`."""
    stands = standings(inputs=inputs, aims=goals, items=task.items)
    by_index = {fill.index: fill for fill in done}
    sold = {fill.index: fill.sold for fill in done}
    trades = tuple(_trade(inputs, goals, stands[fill.index], fill) for fill in done)
    totals = _totals(inputs, trades)
    return RebalanceResult(
        engine_version=inputs.engine_version,
        account_id=inputs.account_id,
        as_of=inputs.as_of,
        currency=inputs.currency,
        trades=trades,
        skipped=_skipped(inputs, stands, solution, by_index),
        before=_drift(inputs, goals, stands, {}, inputs.cash),
        after=_drift(inputs, goals, stands, sold, totals.cash_after),
        totals=totals,
        optimality_gap_bps=_gap_bps(goals, base or task, solution, by_index),
    )


def _trade(inputs: RebalanceInputs, goals: Aims, standing: Standing, fill: Fill) -> Trade:
    code, sentence = trade_reason(inputs=inputs, aims=goals, standing=standing, fill=fill)
    security = standing.security
    return Trade(
        symbol=security.symbol,
        asset_id=security.asset_id,
        side="sell" if fill.sold > 0 else "buy",
        quantity=abs(fill.sold),
        price=security.traded_at,
        currency=security.currency or inputs.currency,
        fx_rate=security.fx_rate,
        amount=fill.amount,
        fee=fill.fee,
        value=fill.value,
        lots=fill.lots,
        estimated_tax=fill.tax,
        cost=fill.cost,
        spread_cost=fill.spread_cost,
        fees=fill.fees,
        reason=code,
        explanation=sentence,
        cautions=cautions(security),
    )


def _skipped(
    inputs: RebalanceInputs,
    stands: tuple[Standing, ...],
    solution: Solution,
    by_index: dict[int, Fill],
) -> tuple[Skipped, ...]:
    traded: dict[str, set[str]] = {}
    for i, fill in by_index.items():
        sides = traded.setdefault(inputs.securities[i].identity_group or "", set())
        if fill.sold < 0:
            sides.add("buy")
        elif any(lot.gain < 0 for lot in fill.lots):
            sides.add("loss")
    traded.pop("", None)
    used_up = _used_up(inputs, by_index)
    sellable = {
        i
        for i, security in enumerate(inputs.securities)
        if security.may_sell and security.quantity > (by_index[i].sold if i in by_index else ZERO)
    }
    skipped = tuple(
        skip_reason(
            inputs=inputs,
            standing=standing,
            cash_price=solution.cash_price,
            traded=traded,
            sellable=bool(sellable - {i}),
            used_up=used_up,
        )
        for i, standing in enumerate(stands)
        if i not in by_index
    )
    return (
        *skipped,
        *_kept_parts(inputs, stands, by_index),
        *(left_out(symbol) for symbol in inputs.left_out),
        *(set_aside(symbol) for symbol in inputs.set_aside),
    )


def _used_up(inputs: RebalanceInputs, by_index: dict[int, Fill]) -> frozenset[str]:
    """Return the budgets of which nearly nothing is left: what stands between the trades."""
    fills_made = by_index.values()
    gains = (lot.gain for fill in fills_made for lot in fill.lots if lot.gain > 0)
    pairs = (
        (TURNOVER, inputs.settings.turnover_budget, (fill.value for fill in fills_made)),
        (GAIN, inputs.settings.gain_budget, gains),
    )
    return frozenset(
        name
        for name, limit, parts in pairs
        if limit is not None and sum(parts, ZERO) >= limit * _NEARLY_ALL
    )


def _kept_parts(
    inputs: RebalanceInputs, stands: tuple[Standing, ...], by_index: dict[int, Fill]
) -> tuple[Skipped, ...]:
    """Return the reasons of sales that end before young lots, and leave a holding over its band."""
    found = []
    for i, fill in sorted(by_index.items()):
        security, item = stands[i].security, stands[i].item
        free = sum((security.lots[k].quantity for k in {lot.index for lot in item.lots}), ZERO)
        excess = stands[i].excess - fill.sold * security.priced_at
        if free < security.quantity and fill.sold >= free and excess > stands[i].band:
            found.append(held_too_briefly(inputs=inputs, standing=stands[i]))
    return tuple(found)


def _drift(
    inputs: RebalanceInputs,
    goals: Aims,
    stands: tuple[Standing, ...],
    sold: dict[int, Decimal],
    cash: Decimal,
) -> Drift:
    """Return weights against targets; all weights of an account worth nothing are 0."""
    values = [
        standing.value - sold.get(i, ZERO) * (standing.security.price or ZERO)
        for i, standing in enumerate(stands)
    ]
    account_value = cash + sum(values, ZERO)
    lines = []
    apart = ZERO
    for standing, value in zip(stands, values, strict=True):
        weight = _share(value, account_value)
        target = _share(standing.target, goals.account_value)
        apart += abs(weight - target)
        lines.append(
            SecurityDrift(
                standing.security.symbol, _six(weight), _six(target), _six(weight - target)
            )
        )
    cash_weight, cash_target = _share(cash, account_value), _share(goals.cash, goals.account_value)
    apart += abs(cash_weight - cash_target)
    return Drift(
        total=_six(apart / 2),
        account_value=quantize(account_value, inputs.currency),
        cash=cash,
        cash_weight=_six(cash_weight),
        cash_target_weight=_six(cash_target),
        securities=tuple(lines),
    )


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return part / whole if whole > 0 else ZERO


def _six(weight: Decimal) -> Decimal:
    return weight.quantize(WEIGHT_STEP, ROUND_HALF_UP)


def _totals(inputs: RebalanceInputs, trades: tuple[Trade, ...]) -> Totals:
    lots = [lot for trade in trades for lot in trade.lots]
    short = [lot for lot in lots if lot.term == "short"]
    long = [lot for lot in lots if lot.term == "long"]
    tax_short = sum((lot.estimated_tax for lot in short), ZERO)
    tax_long = sum((lot.estimated_tax for lot in long), ZERO)
    return Totals(
        buys=sum((trade.value for trade in trades if trade.side == "buy"), ZERO),
        sells=sum((trade.value for trade in trades if trade.side == "sell"), ZERO),
        gain_short=sum((lot.gain for lot in short), ZERO),
        gain_long=sum((lot.gain for lot in long), ZERO),
        tax=tax_short + tax_long,
        tax_short=tax_short,
        tax_long=tax_long,
        costs=sum((trade.cost for trade in trades), ZERO),
        cash_before=inputs.cash,
        cash_after=inputs.cash + sum((trade.cash_effect for trade in trades), ZERO),
    )


def _gap_bps(
    goals: Aims,
    task: Program,
    solution: Solution,
    by_index: dict[int, Fill],
) -> Decimal:
    """Return the rounded trades' cost less the lower bound, in bps of account value, rounded up.

    Rounding to cents may lower the penalty slightly; a gap below zero is reported as zero.
    """
    if goals.account_value <= 0:
        return ZERO
    costs = [fill.objective for fill in by_index.values()]
    cash = math.fsum([task.cash, *(fill.net_exact for fill in by_index.values())])
    costs.append(task.cash_phi.at(cash))
    for i, item in enumerate(task.items):
        fill = by_index.get(i)
        sold = float(fill.sold) if fill else 0.0
        costs.append(item.phi.at(item.price * (item.held - sold)))
    gap = (math.fsum(costs) - solution.lower_bound) / task.account_value * 10_000
    return Decimal(max(gap, 0.0)).quantize(WEIGHT_STEP, ROUND_CEILING)
