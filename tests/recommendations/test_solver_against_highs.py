"""Both solvers against an independent mixed-integer program of the same problem, solved by HiGHS.

The solver of one account and the one over many accounts in arrays must also agree with each other.
Written from the problem statement, not from the solver: lots, sides and penalty pieces are
variables, the sides exclude each other by binaries, whole shares are integers. Presolve is off:
with it highspy 1.12 to 1.15.1 gives wrong answers to such problems.
"""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import highspy  # type: ignore[import-untyped]
import numpy as np
import pytest

from recommendations.engine.arrays.branching import FLOOR_UNREACHABLE, SOLVED
from recommendations.engine.arrays.packing import packed
from recommendations.engine.arrays.solving import solved
from recommendations.engine.fees import sale_fees
from recommendations.engine.hulls import CENTER_PULL, PENALTY_STEPS, TURNOVER
from recommendations.engine.problem import (
    Block,
    Lot,
    RebalanceInputs,
    Security,
    Settings,
    canonical,
    ensure_valid,
)
from recommendations.engine.program import BAND_RETURN, aims, program
from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance
from recommendations.engine.solver import CashFloorUnreachable, Solution, solve
from transactions.ledger.holding_period import is_long_term

AS_OF = date(2026, 6, 1)


class Mip:
    """Rows and columns for HiGHS; amounts in bps of account value."""

    def __init__(self) -> None:
        self.highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("presolve", "off"),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", 1e-7),
            ("primal_feasibility_tolerance", 1e-9),
            ("mip_feasibility_tolerance", 1e-9),
            ("threads", 1),
        ):
            self.highs.setOptionValue(option, value)
        self.columns = 0

    def column(self, cost: float, low: float, high: float, *, integer: bool = False) -> int:
        self.highs.addVar(low, high)
        self.highs.changeColCost(self.columns, cost)
        if integer:
            self.highs.changeColIntegrality(self.columns, highspy.HighsVarType.kInteger)
        self.columns += 1
        return self.columns - 1

    def row(self, terms: "Terms", low: float, high: float) -> None:
        columns = np.array([column for column, _ in terms], dtype=np.int32)
        values = np.array([value for _, value in terms], dtype=np.float64)
        self.highs.addRow(low, high, len(terms), columns, values)

    def least_cost(self) -> float | None:
        self.highs.run()
        status = self.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        assert status == highspy.HighsModelStatus.kOptimal, status
        return float(self.highs.getInfo().objective_function_value)


INF = highspy.kHighsInf
Terms = list[tuple[int, float]]


def penalty_terms(mip: Mip, band: float, weight: float, value: float) -> Terms:
    """Columns of the deviation above (+1) and below (-1) the target, priced by distance."""
    steps = [(0.0, CENTER_PULL / 2), (band / 2, CENTER_PULL)] if band > 0 else []
    steps += [(band + at * value, CENTER_PULL + k * weight) for at, k in PENALTY_STEPS]
    ends = [start for start, _ in steps[1:]] + [INF]
    terms = []
    for (start, slope), end in zip(steps, ends, strict=True):
        terms.append((mip.column(slope, 0.0, end - start), -1.0))
        terms.append((mip.column(slope, 0.0, end - start), 1.0))
    return terms


def mip_cost(inputs: RebalanceInputs, *, free_sales: bool = False) -> float | None:
    """The least cost of the problem in bps of account value; None when it has no answer.

    Unless `free_sales`, no sale goes below the lower edge of the band.
    """
    mip = Mip()
    goals = aims(inputs=inputs)
    bps = 10_000 / float(goals.account_value)
    settings = inputs.settings
    cash_row: Terms = []
    groups: dict[str, tuple[list[int], list[int]]] = {}
    for security, target, band in zip(
        inputs.securities, goals.securities, goals.bands, strict=True
    ):
        losses, purchases = groups.setdefault(security.identity_group or security.symbol, ([], []))
        edges = (float(target) * bps, float(band) * bps)
        terms, lots_at_a_loss, bought = add_security(
            mip, inputs, security, edges=edges, bps=bps, free_sales=free_sales
        )
        cash_row += terms
        losses += lots_at_a_loss
        purchases.append(bought)
    for losses, purchases in groups.values():
        harvests = mip.column(0.0, 0.0, 1.0, integer=True)
        for lot_column in losses:
            mip.row([(lot_column, 1.0), (harvests, -10_000.0)], -INF, 0.0)
        for bought in purchases if losses else []:
            mip.row([(bought, 1.0), (harvests, 10_000.0)], -INF, 10_000.0)
    cash, aim = float(inputs.cash) * bps, float(goals.cash) * bps
    free = float(goals.cash_band) * bps
    width = free if abs(cash - aim) <= free else free * float(BAND_RETURN)
    mip.row(cash_row, float(inputs.cash_floor) * bps - cash, INF)
    balance = cash_row + penalty_terms(mip, width, float(settings.drift_penalty), 10_000)
    mip.row(balance, aim - cash, aim - cash)
    return mip.least_cost()


def add_security(
    mip: Mip,
    inputs: RebalanceInputs,
    security: Security,
    *,
    edges: tuple[float, float],
    bps: float,
    free_sales: bool,
) -> tuple[Terms, list[int], int]:
    """Adds one security (target and band in `edges`): its cash terms, loss lots, purchase."""
    assert security.price is not None
    settings = inputs.settings
    price = float(security.price) * bps
    held = price * float(security.quantity)
    apart, free = held - edges[0], edges[1]
    width = free if abs(apart) <= free else free * float(BAND_RETURN)
    spread = float(security.half_spread_bp) / 10_000
    fees = sale_fees(market=security.fee_market, as_of=inputs.as_of)
    sell_rate = spread + float(fees.sec_rate) + float(fees.taf_per_share / security.price)
    fee = float(settings.brokerage_fee) * bps
    least = max(float(settings.minimum_trade) * bps, 2 * fee)
    sold: list[int] = []
    losses: list[int] = []
    rates = [0.0]
    for lot in security.lots:
        worth = price * float(lot.quantity)
        gain = 1 - sell_rate - float(lot.cost_basis) * bps / worth
        long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=inputs.as_of)
        rates.append(float(settings.long_term_rate if long_term else settings.short_term_rate))
        tax = rates[-1] * gain if settings.loss_harvesting else max(rates[-1] * gain, 0.0)
        high = worth if security.may_sell else 0.0
        sold.append(mip.column(tax + sell_rate + TURNOVER, 0.0, high))
        if gain < 0:
            losses.append(sold[-1])
    room = max(free - apart, 0.0) if security.may_buy and security.target_weight > 0 else 0.0
    bought = mip.column(spread + TURNOVER, 0.0, room)
    sells = mip.column(fee * (1 - max(rates)), 0.0, 1.0, integer=True)
    buys = mip.column(fee, 0.0, 1.0, integer=True)
    sale = [(column, 1.0) for column in sold]
    mip.row([(sells, 1.0), (buys, 1.0)], 0.0, 1.0)
    mip.row([*sale, (sells, -held)], -INF, 0.0)
    mip.row([*sale, (sells, -least)], 0.0, INF)
    mip.row([(bought, 1.0), (buys, -room)], -INF, 0.0)
    mip.row([(bought, 1.0), (buys, -least)], 0.0, INF)
    if not free_sales:
        mip.row(sale, 0.0, max(min(held, apart + free), 0.0))
    for side in (sale, [(bought, 1.0)]) if settings.whole_shares else ():
        mip.row([*side, (mip.column(0.0, 0.0, INF, integer=True), -price)], 0.0, 0.0)
    # held - sold + bought = target + above - below
    position = [(column, -1.0) for column in sold] + [(bought, 1.0)]
    position += penalty_terms(mip, width, float(settings.drift_penalty), 10_000)
    mip.row(position, -apart, -apart)
    cash = [(column, 1 - sell_rate) for column in sold] + [(bought, -1 - spread)]
    return [*cash, (sells, -fee), (buys, -fee)], losses, bought


def random_security(
    dice: random.Random, k: int, target: Decimal, *, harvest: bool, groups: int
) -> Security:
    price = Decimal(dice.randint(500, 40_000)) / 100
    lots = tuple(
        Lot(
            f"{k}-{n}",
            Decimal(quantity),
            (price * quantity * dice.randint(40, 150 if harvest else 99) / 100).quantize(
                Decimal("0.01")
            ),
            opened := AS_OF - timedelta(days=dice.randint(1, 1200)),
            opened,
        )
        for n in range(dice.choice([0, 1, 2, 3, 3]))
        for quantity in [dice.randint(1, 60)]
    )
    return Security(
        symbol=f"S{k:03}",
        asset_id=str(k),
        price=price,
        target_weight=target,
        threshold=Decimal(dice.choice([0, 1, 2, 5])) / 100,
        lots=lots,
        half_spread_bp=Decimal(dice.randint(0, 12)),
        buy_block=Block("restricted") if dice.random() < 0.1 else None,
        sell_block=Block("restricted") if dice.random() < 0.1 else None,
        identity_group=f"g{k % groups}" if groups else None,
        fee_market="US",
    )


def random_account(
    seed: int,
    *,
    size: int,
    harvest: bool,
    minimum: str = "0",
    whole: bool = False,
    fee: str = "0",
    groups: int = 0,
) -> RebalanceInputs:
    """An account of round numbers: lots of both terms, gains and losses, some blocks and floors."""
    dice = random.Random(seed)
    weights = [dice.randint(1, 10) for _ in range(size)]
    whole_weight = sum(weights) + dice.choice([0, 0, 1])
    targets = [
        (Decimal(weight) / whole_weight).quantize(Decimal("0.0001"), ROUND_DOWN)
        for weight in weights
    ]
    given = sum(targets, Decimal(0))
    securities = [
        random_security(dice, k, target, harvest=harvest, groups=groups)
        for k, target in enumerate(targets)
    ]
    held = sum((s.price * s.quantity for s in securities if s.price), Decimal(0))
    cash = (held * dice.choice([-2, 0, 1, 5, 30]) / 100).quantize(Decimal("0.01")) + 100
    floor = max(cash, Decimal(0)) + (held * dice.choice([0, 0, 5, 20]) / 100)
    return canonical(
        inputs=RebalanceInputs(
            account_id="random",
            as_of=AS_OF,
            currency="USD",
            cash=cash,
            cash_target_weight=1 - given,
            cash_threshold=Decimal(dice.choice([0, 1])) / 100,
            cash_floor=floor.quantize(Decimal("0.01")) if dice.random() < 0.4 else Decimal(0),
            securities=tuple(securities),
            settings=Settings(
                short_term_rate=Decimal("0.408"),
                long_term_rate=Decimal("0.238"),
                brokerage_fee=Decimal(fee),
                minimum_trade=(held * Decimal(minimum) / 100).quantize(Decimal("0.01")),
                loss_harvesting=harvest,
                whole_shares=whole,
                drift_penalty=Decimal("0.10"),
            ),
            engine_version=ENGINE_VERSION,
        )
    )


def compare(
    inputs: RebalanceInputs, *, free_sales: bool = False
) -> tuple[float, float, Solution] | None:
    """(solver - MIP, MIP - bound) in bps and the solution; None when neither has an answer."""
    goals = aims(inputs=inputs)
    if goals.account_value <= 0 or not -1 <= inputs.cash_target_weight <= 1:
        return None
    least = mip_cost(inputs, free_sales=free_sales)
    try:
        task = program(inputs=inputs, aims=goals, free_sales=free_sales)
        solution = solve(program=replace(task, node_limit=400))
    except CashFloorUnreachable:
        assert least is None
        return None
    assert least is not None
    bps = 10_000 / float(goals.account_value)
    return solution.objective * bps - least, least - solution.lower_bound * bps, solution


KINDS: dict[str, dict[str, Any]] = {
    "taxes and bands": {"harvest": False},
    "losses worth more than a round trip": {"harvest": True},
    "minimum trade of one per cent": {"harvest": True, "minimum": "1"},
    "a fee for every trade": {"harvest": True, "fee": "5"},
    "substantially identical groups": {"harvest": True, "groups": 3},
    "groups and a minimum trade": {"harvest": True, "groups": 3, "minimum": "0.5"},
    "whole shares": {"harvest": False, "whole": True},
    "whole shares, losses, minimum trade": {"harvest": True, "whole": True, "minimum": "0.5"},
}


@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_the_solver_is_as_cheap_as_the_mixed_integer_program(kind: str, size: int) -> None:
    compared = 0
    for seed in range(12):
        inputs = random_account(seed, size=size, **KINDS[kind])
        outcome = compare(inputs, free_sales=seed % 3 == 0)
        if outcome is None:
            continue
        compared += 1
        dearer_bps, above_bound_bps, solution = outcome
        # Whole shares stop at a gap of 0.001 bps; the rest is HiGHS's own tolerance.
        assert -1e-4 < dearer_bps < 2e-3, (kind, size, seed)
        assert -1e-4 < above_bound_bps < 2e-3, (kind, size, seed)
        assert solution.lower_bound <= solution.objective
    assert compared >= 10


@pytest.mark.parametrize("kind", KINDS)
def test_the_rounded_trades_stay_close_to_the_proven_bound(kind: str) -> None:
    for seed in range(6):
        inputs = random_account(seed, size=8, **KINDS[kind])
        ensure_valid(inputs=inputs)
        try:
            result = rebalance(inputs=inputs)
        except CashFloorUnreachable:
            continue
        # A fee split over lots of both terms is bounded, not exact, before the trades are priced.
        most = Decimal("2") if "fee" in KINDS[kind] else Decimal("0.05")
        assert 0 <= result.optimality_gap_bps < most, (kind, seed)


def has_an_answer(inputs: RebalanceInputs) -> bool:
    return aims(inputs=inputs).account_value > 0 and 0 <= inputs.cash_target_weight <= 1


def solved_alone(inputs: RebalanceInputs) -> Solution | None:
    """The answer of the solver of one account, below its bands where the floor needs that."""
    goals = aims(inputs=inputs)
    for free_sales in (False, True):
        try:
            return solve(program=program(inputs=inputs, aims=goals, free_sales=free_sales))
        except CashFloorUnreachable:
            continue
    return None


@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_the_arrays_are_as_cheap_as_the_mixed_integer_program(kind: str, size: int) -> None:
    found = [random_account(seed, size=size, **KINDS[kind]) for seed in range(12)]
    accounts = [inputs for inputs in found if has_an_answer(inputs)]
    answers = solved(columns=packed(accounts), node_limit=400)
    for a, inputs in enumerate(accounts):
        least = mip_cost(inputs)
        if least is None:
            least = mip_cost(inputs, free_sales=True)
        assert (least is None) == (answers.status[a] == FLOOR_UNREACHABLE), (kind, size, a)
        if least is None:
            continue
        bps = 10_000 / answers.value[a]
        assert -1e-4 < answers.objective[a] * bps - least < 2e-3, (kind, size, a)
        assert -1e-4 < least - answers.lower_bound[a] * bps < 2e-3, (kind, size, a)
    assert len(accounts) >= 10


@pytest.mark.parametrize("kind", KINDS)
def test_the_arrays_agree_with_the_solver_of_one_account(kind: str) -> None:
    accounts = [
        inputs
        for size in (2, 5, 9, 20, 60)
        for seed in range(100, 112)
        if has_an_answer(inputs := random_account(seed, size=size, **KINDS[kind]))
    ]
    answers = solved(columns=packed(accounts))
    for a, inputs in enumerate(accounts):
        alone = solved_alone(inputs)
        assert (alone is not None) == (answers.status[a] == SOLVED), a
        if alone is None:
            continue
        bps = 10_000 / answers.value[a]
        gap = (alone.objective - alone.lower_bound) * bps
        assert (answers.objective[a] - alone.objective) * bps < 0.02, a
        assert answers.lower_bound[a] <= alone.objective + 1e-6 / bps, a
        if gap < 1e-9:  # proven, so both must have the same cost
            assert answers.objective[a] == pytest.approx(alone.objective, abs=2e-3 / bps), a
        assert answers.lower_bound[a] <= answers.objective[a]
    assert len(accounts) >= 40


def test_every_group_either_buys_or_sells_its_losses_in_an_account_of_pairs() -> None:
    """Twenty groups at once: branching one after the other would need a million nodes."""
    kind = KINDS["groups and a minimum trade"] | {"groups": 20}
    accounts = [
        inputs
        for seed in range(20)
        if has_an_answer(inputs := random_account(seed, size=60, **kind))
    ]
    columns = packed(accounts)
    answers = solved(columns=columns)
    gaps = (answers.objective - answers.lower_bound) / answers.value * 10_000
    assert max(gaps[answers.status == SOLVED]) < 0.1
    groups_traded = 0
    for a, inputs in enumerate(accounts):
        first = columns.accounts["securities_begin"][a]
        sides: dict[str | None, set[str]] = {}
        for i, security in enumerate(inputs.securities):
            sold = answers.shares[first + i]
            if sold < 0:
                sides.setdefault(security.identity_group, set()).add("buys")
            elif sells_a_loss(inputs, security, sold, bool(answers.no_losses[first + i])):
                sides.setdefault(security.identity_group, set()).add("loses")
        assert {"buys", "loses"} not in sides.values(), a
        groups_traded += len(sides)
    assert groups_traded > 100


def sells_a_loss(inputs: RebalanceInputs, security: Security, sold: float, no_losses: bool) -> bool:
    """Whether a sale takes a lot at a loss: the lots with the least tax per dollar go first."""
    item = next(
        item
        for item in program(inputs=inputs, aims=aims(inputs=inputs)).items
        if item.symbol == security.symbol
    )
    first = next((lot for lot in item.lots if not (no_losses and lot.is_loss)), None)
    return sold > 1e-9 and first is not None and first.is_loss


def test_threads_and_the_order_of_accounts_change_no_byte() -> None:
    accounts = [
        inputs
        for kind in KINDS.values()
        for seed in range(70)
        if has_an_answer(inputs := random_account(seed, size=4, **kind))
    ]
    assert len(accounts) > 512  # more than one thread's share
    alone = solved(columns=packed(accounts))
    assert [x.tobytes() for x in solved(columns=packed(accounts), threads=2)] == [
        x.tobytes() for x in alone
    ]
    backwards = solved(columns=packed(accounts[::-1]))
    assert backwards.objective[::-1].tobytes() == alone.objective.tobytes()
    assert backwards.lower_bound[::-1].tobytes() == alone.lower_bound.tobytes()
