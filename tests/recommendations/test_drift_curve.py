"""The drift-against-tax curve of the array engine, beside exact rebalances at its points."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given

from recommendations.engine.arrays.drift_curve import POINTS_MAX, drift_curve
from recommendations.engine.problem import RebalanceInputs
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.solver import CashFloorUnreachable
from tests.recommendations.oracle import random_account
from tests.recommendations.test_rebalancing_properties import accounts, modest

KINDS: dict[str, dict[str, Any]] = {
    "taxes": {"harvest": False},
    "losses": {"harvest": True},
    "a minimum trade": {"harvest": False, "minimum": "1"},
    "whole shares": {"harvest": False, "whole": True},
    "groups": {"harvest": True, "groups": 3},
}


@given(accounts())
@modest(120)
def test_more_drift_never_costs_more(inputs: RebalanceInputs) -> None:
    try:
        points = drift_curve(inputs=inputs)
    except CashFloorUnreachable:
        return
    assert len(points) <= POINTS_MAX
    for nearer, further in zip(points, points[1:], strict=False):
        assert nearer.drift < further.drift
        assert nearer.tax >= further.tax
        assert nearer.tax + nearer.cost > further.tax + further.cost
    assert all(point.drift >= 0 and 0 <= point.trades <= len(inputs.securities) for point in points)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_rebalance_at_a_point_costs_what_the_point_says(kind: str) -> None:
    compared = 0
    for seed in range(6):
        inputs = random_account(seed, size=8, **KINDS[kind])
        try:
            points = drift_curve(inputs=inputs)
        except CashFloorUnreachable:
            continue
        for point in points[1:-1:4]:
            settings = replace(inputs.settings, drift_limit=point.drift)
            result = rebalance(inputs=replace(inputs, settings=settings))
            (use,) = result.limits
            if not use.kept:
                continue
            compared += 1
            value = result.before.account_value
            exact = result.totals.tax + result.totals.costs
            # Where a smallest trade or whole shares leave no mixture, both take a corner of theirs.
            room = D("0.001") if kind in ("taxes", "losses") else D("0.01")
            assert abs(exact - point.tax - point.cost) <= value * room, (seed, point)
    assert compared >= 5


def test_the_curve_does_not_depend_on_the_order_of_the_securities() -> None:
    inputs = random_account(3, size=12, harvest=False)
    turned = replace(inputs, securities=tuple(reversed(inputs.securities)))
    points = drift_curve(inputs=inputs)
    assert len(points) > 5
    assert drift_curve(inputs=turned) == points


def test_an_account_worth_nothing_has_no_curve() -> None:
    inputs = random_account(1, size=3, harvest=False)
    securities = tuple(replace(one, lots=()) for one in inputs.securities)
    nothing = replace(inputs, securities=securities, cash=D(0), cash_floor=D(0))
    assert drift_curve(inputs=nothing) == ()
