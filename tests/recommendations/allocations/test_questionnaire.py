"""The questionnaire gives the profile its published rule says."""

from decimal import Decimal

import pytest

from core.errors import InvalidInput
from recommendations.allocations.questionnaire import (
    CAPACITY,
    PROFILES,
    QUESTIONS,
    TOLERANCE,
    assessed,
)


def answers(tolerance: int, capacity: int, **other: str) -> dict[str, str]:
    """Return answers of so many points a question in each dimension, with single ones changed."""
    points = {TOLERANCE: tolerance, CAPACITY: capacity}
    made = {one.id: one.choices[points[one.measures] - 1].id for one in QUESTIONS}
    return made | other


@pytest.mark.parametrize(
    ("tolerance", "capacity", "profile"),
    [
        (1, 1, "conservative"),
        (2, 2, "moderate"),
        (3, 3, "growth"),
        (4, 4, "aggressive"),
        (4, 2, "moderate"),  # finances bound what is wanted
        (2, 4, "moderate"),  # and the person bounds what finances could bear
    ],
)
def test_the_profile_is_the_lower_of_the_two_levels(
    tolerance: int, capacity: int, profile: str
) -> None:
    found = assessed(answers(tolerance, capacity))
    assert found.profile.name == profile
    assert (found.tolerance, found.capacity) == (5 * tolerance, 5 * capacity)


def test_a_sum_on_the_edge_of_a_level_counts_as_the_module_says() -> None:
    # Tolerance 3 x 3 + 2 + 2 = 13 is the last sum of level 3; one point more is level 4.
    edge = answers(3, 4, fall="sell_some", range="medium")
    assert (assessed(edge).tolerance, assessed(edge).profile.name) == (13, "balanced")
    more = edge | {"range": "wide"}
    assert (assessed(more).tolerance, assessed(more).profile.name) == (14, "growth")


def test_a_short_horizon_bounds_the_profile_whatever_else_is_said() -> None:
    found = assessed(answers(4, 4, horizon="under_3_years"))
    assert found.profile.name == "conservative"
    assert "ceiling_applied" in [one.code for one in found.cautions]
    assert assessed(answers(4, 4, reserve="none")).profile.name == "moderate"


def test_answers_that_contradict_each_other_are_told() -> None:
    codes = [one.code for one in assessed(answers(3, 3, fall="sell_all")).cautions]
    assert codes == ["answers_contradict"]
    assert assessed(answers(3, 3)).cautions == ()
    assert [one.code for one in assessed(answers(4, 2)).cautions] == ["capacity_below_tolerance"]
    assert [one.code for one in assessed(answers(2, 4)).cautions] == ["tolerance_below_capacity"]


def test_a_higher_profile_never_has_lower_limits() -> None:
    limits = [(one.volatility_max_percentage, one.equity_max_percentage) for one in PROFILES]
    assert limits == sorted(limits)
    assert limits[-1][1] == Decimal(100)


def test_incomplete_and_unknown_answers_are_refused_by_name() -> None:
    whole = answers(2, 2)
    del whole["word"]
    with pytest.raises(InvalidInput) as missing:
        assessed(whole)
    assert (missing.value.code, list(missing.value.fields)) == ("answers_incomplete", ["word"])
    for wrong in ({"word": "nonsense"}, {"colour": "blue"}):
        with pytest.raises(InvalidInput) as unknown:
            assessed(answers(2, 2) | wrong)
        assert (unknown.value.code, list(unknown.value.fields)) == ("answer_unknown", list(wrong))
