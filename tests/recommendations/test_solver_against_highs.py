"""Both solvers against an independent mixed-integer program of the same problem, solved by HiGHS.

The solver of one account and the one over many accounts in arrays must also agree with each other.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from recommendations.engine.arrays.branching import FLOOR_UNREACHABLE, SOLVED
from recommendations.engine.arrays.packing import packed
from recommendations.engine.arrays.solving import solved
from recommendations.engine.problem import (
    RebalanceInputs,
    Security,
    ensure_valid,
)
from recommendations.engine.program import aims, program
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.solver import CashFloorUnreachable, Solution, solve
from tests.recommendations.oracle import mip_cost, random_account


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
