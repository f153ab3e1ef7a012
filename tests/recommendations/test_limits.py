"""Limits on drift, turnover and gains, the minimum holding period, and what is left out.

HiGHS solves the same problem with one row for each limit: it is the oracle of the bound.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.engine.limits import limited
from recommendations.engine.problem import (
    RebalanceInputs,
    ensure_valid,
    inputs_from_json,
    inputs_json,
)
from recommendations.engine.program import aims
from recommendations.engine.rebalancing import rebalance, result_json
from recommendations.engine.result import RebalanceResult, stored_result
from recommendations.engine.solver import CashFloorUnreachable
from recommendations.engine.used_limits import LimitsClash, realized_gains
from tests.recommendations.oracle import mip_cost, random_account
from tests.recommendations.test_rebalancing_properties import accounts, modest

AccountTable = Callable[..., RebalanceInputs]
STORED = Path(__file__).parent / "stored"

# 10,000 of A and 8,000 of B, both 2,000 above what their targets of 40 % and 30 % of 20,000 ask.
TABLE = """
cash 2000 target 30 band 0
A target 40 band 0 price 100 no-fees
  a 20 for 1000 on 2020-01-01
  b 80 for 7900 on 2020-01-01
B target 30 band 0 price 50 no-fees
  c 160 for 4000 on 2020-01-01
"""


def with_limits(inputs: RebalanceInputs, **limits: Any) -> RebalanceInputs:
    return replace(inputs, settings=replace(inputs.settings, **limits))


def test_a_drift_limit_is_reached_with_the_cheapest_lots(
    account: AccountTable, sentences: Callable[[RebalanceResult], list[str]]
) -> None:
    result = rebalance(inputs=with_limits(account(TABLE), drift_limit=D("0.1")))
    # 4,000 are out of place, 2,000 may stay: A's lot b is taxed by 0.25 cents a dollar, B by 10.
    assert sentences(result) == [
        "sell 20 A for 2000.00 (20 of b), tax 5.00: over_band",
    ]
    assert result.after.total == D("0.1")
    assert [(use.name, use.used, use.kept) for use in result.limits] == [("drift", D("0.1"), True)]
    assert [(row.symbol, row.reason) for row in result.skipped] == [("B", "drift_accepted")]


def test_a_drift_limit_that_blocks_forbid_is_said_to_be_missed(account: AccountTable) -> None:
    table = TABLE.replace("B target 30 band 0", "B target 30 band 0 no-sell")
    result = rebalance(inputs=with_limits(account(table), drift_limit=D("0.05")))
    (use,) = result.limits
    assert (use.used, use.kept) == (D("0.1"), False)
    assert result.totals.sells == 2000


def test_a_turnover_budget_is_spent_where_it_helps_most(account: AccountTable) -> None:
    result = rebalance(inputs=with_limits(account(TABLE), turnover_budget=D(1500)))
    # More than 5 % of the account out of place counts double: A leaves that zone at the least tax,
    # and the rest takes B out of it.
    assert [(trade.symbol, trade.value) for trade in result.trades] == [
        ("A", D(1000)),
        ("B", D(500)),
    ]
    assert result.optimality_gap_bps < D("0.05")
    small = rebalance(inputs=with_limits(account(TABLE), turnover_budget=D(900)))
    assert [(trade.symbol, trade.value) for trade in small.trades] == [("A", D(900))]
    assert [(row.symbol, row.reason) for row in small.skipped] == [("B", "turnover_budget")]


def test_a_gain_budget_takes_lots_of_little_gain_first(account: AccountTable) -> None:
    # Lot b gains 1.25 a share of 100, lot c 25 of 50.
    result = rebalance(inputs=with_limits(account(TABLE), gain_budget=D(125)))
    gains = {trade.symbol: sum(lot.gain for lot in trade.lots) for trade in result.trades}
    assert gains == {"A": D(25), "B": D(100)}
    assert realized_gains(result=result) == 125
    assert result.optimality_gap_bps < D("0.05")


def test_without_a_gain_budget_nothing_with_a_gain_is_sold(account: AccountTable) -> None:
    result = rebalance(inputs=with_limits(account(TABLE), gain_budget=D(0)))
    assert result.trades == ()
    assert {row.reason for row in result.skipped} == {"gain_budget"}


def test_a_cash_floor_beyond_the_budgets_is_refused_with_both_rules(account: AccountTable) -> None:
    inputs = account(TABLE.replace("band 0\nA", "band 0 floor 6000\nA"))
    assert inputs.cash_floor == 6000
    with pytest.raises(LimitsClash, match="turnover budget of 1000 USD leave 6000 USD in cash"):
        rebalance(inputs=with_limits(inputs, turnover_budget=D(1000)))
    assert rebalance(inputs=with_limits(inputs, turnover_budget=D(4000))).totals.cash_after >= 6000


def test_young_lots_are_kept_and_the_sale_says_why(
    account: AccountTable, sentences: Callable[[RebalanceResult], list[str]]
) -> None:
    table = TABLE.replace("b 80 for 7900 on 2020-01-01", "b 80 for 7900 on 2026-05-03")
    # 2026-06-01 is the 29th day after the purchase.
    kept = rebalance(inputs=with_limits(account(table), minimum_holding_days=30))
    assert [lot.lot_id for trade in kept.trades for lot in trade.lots] == ["a", "c"]
    free = rebalance(inputs=with_limits(account(table), minimum_holding_days=29))
    assert "b" in {lot.lot_id for trade in free.trades for lot in trade.lots}
    only = TABLE.replace("2020-01-01", "2026-05-03")
    result = rebalance(inputs=with_limits(account(only), minimum_holding_days=30))
    assert result.trades == ()
    assert [(row.symbol, row.reason, str(row.until)) for row in result.skipped] == [
        ("A", "minimum_holding_period", "2026-06-01"),
        ("B", "minimum_holding_period", "2026-06-01"),
    ]


limit_of = st.sampled_from([None, None, "0", "0.01", "0.05", "0.2"])
money_of = st.sampled_from([None, None, "0", "10", "1000", "30000"])


@given(accounts(), limit_of, money_of, money_of, st.sampled_from([0, 0, 100, 400]))
@modest(150)
def test_every_limit_holds_to_the_cent(
    inputs: RebalanceInputs, drift: str | None, turnover: str | None, gain: str | None, days: int
) -> None:
    limited_inputs = with_limits(
        inputs,
        drift_limit=D(drift) if drift else None,
        turnover_budget=D(turnover) if turnover else None,
        gain_budget=D(gain) if gain else None,
        minimum_holding_days=days,
    )
    text = inputs_json(inputs=limited_inputs)
    assert inputs_json(inputs=inputs_from_json(text=text)) == text
    try:
        result = rebalance(inputs=limited_inputs)
    except (CashFloorUnreachable, LimitsClash):
        return
    totals = result.totals
    assert totals.cash_after == totals.cash_before + totals.sells - totals.buys - totals.costs
    assert totals.cash_after >= inputs.cash_floor or not result.trades
    if turnover:
        assert totals.buys + totals.sells <= D(turnover)
    if gain:
        lots = [lot for trade in result.trades for lot in trade.lots]
        assert sum(max(lot.gain, D(0)) for lot in lots) <= D(gain)
    if drift:
        use = next(one for one in result.limits if one.name == "drift")
        assert use.kept == (result.after.total <= D(drift))
    opened = {lot.lot_id: lot.opened_date for one in inputs.securities for lot in one.lots}
    for trade in result.trades:
        for taken in trade.lots:
            assert (inputs.as_of - opened[taken.lot_id]).days >= days
    assert result.optimality_gap_bps >= 0
    assert stored_result(result_json(result=result)) == result


CONVEX: dict[str, dict[str, Any]] = {"taxes and bands": {"harvest": False}}
OTHER: dict[str, dict[str, Any]] = {
    "losses worth more than a round trip": {"harvest": True},
    "minimum trade of one per cent": {"harvest": True, "minimum": "1"},
    "substantially identical groups": {"harvest": True, "groups": 3},
    "whole shares": {"harvest": False, "whole": True},
}
LIMITS: dict[str, Callable[[D], dict[str, Any]]] = {
    "drift": lambda value: {"drift_limit": D("0.03")},
    "turnover": lambda value: {"turnover_budget": (value / 20).quantize(D("0.01"))},
    "gain": lambda value: {"gain_budget": (value / 100).quantize(D("0.01"))},
    "both budgets": lambda value: {
        "turnover_budget": (value / 10).quantize(D("0.01")),
        "gain_budget": (value / 200).quantize(D("0.01")),
    },
    "young lots": lambda value: {"minimum_holding_days": 300, "drift_limit": D("0.05")},
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("kind", [*CONVEX, *OTHER])
def test_the_bound_is_below_the_mixed_integer_program(kind: str, limit: str) -> None:
    """And where every curve is convex it is the least cost, and the answer is that cheap."""
    compared = 0
    for seed in range(10):
        inputs = random_account(seed, size=6, **(CONVEX | OTHER)[kind])
        goals = aims(inputs=inputs)
        if goals.account_value <= 0:
            continue
        inputs = with_limits(inputs, **LIMITS[limit](goals.account_value))
        ensure_valid(inputs=inputs)
        least = mip_cost(inputs)
        try:
            found = limited(inputs=inputs, aims=goals, free_sales=False)
        except CashFloorUnreachable:
            assert least is None
            continue
        if least is None:
            # The limit on the drift is missed, or the floor needs more than a budget.
            assert found.missed or next(found.answers({}), None) is None
            continue
        compared += 1
        bps = 10_000 / float(goals.account_value)
        assert found.bound * bps <= least + 1e-3, (seed, least)
        if kind in CONVEX and limit != "both budgets":
            assert found.bound * bps >= least - 1e-2, (seed, least)
            # The drift of a result counts the costs of its trades, that of the bound does not.
            most = D("1") if "drift_limit" in LIMITS[limit](D(1)) else D("0.05")
            assert rebalance(inputs=inputs).optimality_gap_bps < most
    assert compared >= 3


def test_what_version_4_stored_is_computed_again_to_the_byte() -> None:
    stored = json.loads((STORED / "rebalance-4.json").read_text())
    inputs = inputs_from_json(text=stored["inputs"])
    assert inputs.engine_version == "rebalance-4"
    assert inputs_json(inputs=inputs) == stored["inputs"]
    assert result_json(result=rebalance(inputs=inputs)) == stored["result"]


def test_a_limit_of_zero_is_stored_and_one_of_none_is_not(account: AccountTable) -> None:
    plain = inputs_json(inputs=account(TABLE))
    assert "gain_budget" not in plain
    zero = with_limits(account(TABLE), gain_budget=D(0), drift_limit=D(0))
    assert inputs_from_json(text=inputs_json(inputs=zero)).settings.gain_budget == 0


def test_settings_refuse_a_negative_limit(account: AccountTable) -> None:
    from core.errors import InvalidInput

    for limits in ({"turnover_budget": D(-1)}, {"gain_budget": D(-1)}, {"drift_limit": D("-0.1")}):
        with pytest.raises(InvalidInput, match="must not be negative"):
            rebalance(inputs=with_limits(account(TABLE), **limits))
