"""A whole fit: targets that sum to 100, evidence, cautions, and the same bytes each time."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from core.errors import Conflict, InvalidInput
from recommendations.allocations import cautions
from recommendations.allocations.fitting import fitted
from recommendations.allocations.history import Dated
from recommendations.allocations.problem import (
    Problem,
    Request,
    bounds_of,
    ensure_valid,
    rates_of_sessions,
)
from recommendations.allocations.result import FitResult, result_json, stored_fit
from recommendations.allocations.weighting import MODELS

Make = Callable[..., Problem]


def codes(result: FitResult) -> set[str]:
    return {one.code for one in result.cautions}


@pytest.mark.parametrize("model", sorted(MODELS))
def test_targets_sum_to_100_and_equal_problems_are_equal_bytes(problem: Make, model: str) -> None:
    first = fitted(problem(model, profile="growth"))
    assert sum(line.target_percentage for line in first.lines) == Decimal(100)
    assert all(0 <= line.target_percentage <= 100 for line in first.lines)
    text = result_json(first)
    assert text == result_json(fitted(problem(model, profile="growth")))
    assert stored_fit(text) == first


def test_equal_weight_of_three_is_rounded_so_that_it_sums(problem: Make) -> None:
    lines = fitted(problem("equal_weight")).lines
    assert [str(line.target_percentage) for line in lines] == ["33.34", "33.33", "33.33"]


def test_the_trial_begins_after_the_first_window_and_ends_with_the_data(problem: Make) -> None:
    result = fitted(problem(sessions=900))
    assert result.evidence is not None
    assert result.evidence.sessions == 900 - 504
    assert result.evidence.refits == 7
    assert result.evidence.last_date == result.data.last_date
    assert (result.data.sessions, result.data.sessions_missing) == (900, 0)
    assert len(result.data.sha256) == 64


def test_equal_weight_beside_itself_is_the_same_and_is_not_judged(problem: Make) -> None:
    result = fitted(problem("equal_weight"))
    assert result.evidence is not None
    assert result.evidence.model == result.evidence.equal_weight
    assert result.evidence.difference is None
    assert not codes(result) & {
        "no_difference_to_test",
        "not_distinguishable_from_equal_weight",
        "worse_than_equal_weight",
    }


def test_a_model_that_chance_explains_is_not_called_better(problem: Make) -> None:
    result = fitted(problem("risk_parity"))
    assert result.evidence is not None
    assert result.evidence.difference is not None
    assert not result.evidence.difference.distinguishable
    assert "not_distinguishable_from_equal_weight" in codes(result)


def test_thin_evidence_is_said_in_words(problem: Make) -> None:
    assert {"no_evidence", "few_assets"} <= codes(fitted(problem(sessions=400)))
    assert "history_short" in codes(fitted(problem(sessions=900)))
    assert "history_short" not in codes(fitted(problem(sessions=504 + 756)))
    many = codes(fitted(problem("equal_weight", sessions=300, widths=51)))
    assert "history_short_for_assets" in many
    assert "few_assets" not in many


def test_a_profile_leaves_the_rest_in_cash_and_says_so(problem: Make) -> None:
    result = fitted(problem(profile="conservative"))
    equity = sum(line.target_percentage for line in result.lines if line.symbol != "CASH")
    assert equity <= 20
    assert result.volatility <= Decimal("0.05")
    assert (result.lines[-1].symbol, "cash_added" in codes(result)) == ("CASH", True)
    bonds = fitted(problem(profile="conservative", facts={"asset_class": "bond"}))
    assert sum(line.target_percentage for line in bonds.lines if line.symbol != "CASH") > 20


def test_bounds_hold_in_the_targets(problem: Make) -> None:
    result = fitted(problem(weight_min=20, weight_max=40))
    assert all(20 <= line.target_percentage <= 40 for line in result.lines)
    assert "bounds_applied" in codes(result)
    own = fitted(problem(bounds=(("S2", Decimal(50), Decimal(60)),)))
    assert next(one for one in own.lines if one.symbol == "S2").target_percentage == 50


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"shifted_days": 7}, "dates_shifted"),
        ({"adjustment": "splits", "dividends_known": False}, "dividends_unknown"),
        ({"adjustment": "none", "other_actions": ("spin_off",)}, "actions_not_adjusted"),
    ],
)
def test_what_the_prices_lack_is_said(problem: Make, facts: dict[str, Any], code: str) -> None:
    assert code not in codes(fitted(problem("equal_weight")))
    assert code in codes(fitted(problem("equal_weight", facts=facts)))


def test_series_of_different_years_are_not_compared_in_silence(problem: Make) -> None:
    made = problem("equal_weight")
    from dataclasses import replace

    mixed = replace(made, members=(replace(made.members[0], shifted_days=70), *made.members[1:]))
    assert "dates_shifted_apart" in codes(fitted(mixed))


def test_every_caution_has_its_code_in_the_list(problem: Make) -> None:
    found: set[str] = set()
    for model in MODELS:
        found |= codes(fitted(problem(model, profile="balanced", facts={"asset_class": "etf"})))
    assert {"funds_count_as_equity", "survivors_only", "risk_free_unknown"} <= found
    assert found <= set(cautions.CODES)


def test_the_risk_free_rate_of_a_session_was_known_before_it() -> None:
    yields = Dated(np.array([10, 13], np.int64), np.array([0.0365, 0.073]))
    rates = rates_of_sessions(yields, [5, 10, 13, 14])
    assert rates == pytest.approx([0, 1.0365 ** (3 / 365) - 1, 1.073 ** (1 / 365) - 1], abs=1e-15)
    assert rates_of_sessions(None, [1, 2, 3]).tolist() == [0, 0]


def asked(*symbols: str, **other: Any) -> Request:
    return Request("risk_parity", symbols, "USD", **other)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (asked("A"), "too_few_symbols"),
        (asked("A", "A"), "symbol_repeated"),
        (asked(*(f"S{n}" for n in range(51))), "too_many_symbols"),
        (asked("A", "B", bounds=(("C", Decimal(0), Decimal(1)),)), "bounds_unknown_symbol"),
        (asked("A", "B", bounds=(("A", Decimal(2), Decimal(1)),)), "bounds_crossed"),
        (asked("A", "B", weight_max=Decimal(40)), "bounds_infeasible"),
    ],
)
def test_requests_without_an_answer_are_refused(request_: Request, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ensure_valid(request_)
    assert refused.value.code == code


def test_own_bounds_replace_the_common_ones() -> None:
    bounds = bounds_of(asked("A", "B", bounds=(("B", Decimal(5), Decimal(25)),)))
    assert (bounds.lower.tolist(), bounds.upper.tolist()) == ([0, 0.05], [1, 0.25])


def test_a_result_of_another_version_is_not_read(problem: Make) -> None:
    text = json.dumps(json.loads(result_json(fitted(problem()))) | {"engine_version": "older"})
    with pytest.raises(Conflict) as refused:
        stored_fit(text)
    assert refused.value.code == "engine_version_unknown"
