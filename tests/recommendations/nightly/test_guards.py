"""When a night must not start, and what it says then."""

from dataclasses import replace

import pytest

from recommendations.nightly.guards import NAMES_MAX, Facts, Finding, findings

READY = Facts(
    assets=500,
    without_price=[],
    stale=[],
    closes=500,
    closes_before=500,
    pairs_without_rate=[],
    actions_open=[],
)
NAMES = [f"S{number:03}" for number in range(400)]


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (READY, []),
        # A few assets without a price of the day stop nobody else.
        (replace(READY, stale=NAMES[:10], without_price=NAMES[:10]), []),
        (replace(READY, stale=NAMES[:11]), ["prices_stale"]),
        (replace(READY, without_price=NAMES[:11]), ["prices_missing"]),
        (replace(READY, assets=9, stale=NAMES[:2]), []),
        (replace(READY, assets=9, stale=NAMES[:3]), ["prices_stale"]),
        (replace(READY, assets=2, stale=NAMES[:2]), ["prices_stale"]),
        (replace(READY, closes=450), []),
        (replace(READY, closes=449), ["day_half_loaded"]),
        # A feed of quotes alone writes no closes.
        (replace(READY, closes=0), []),
        (replace(READY, pairs_without_rate=["BRL/USD"]), ["rate_missing"]),
        (replace(READY, actions_open=["NVDA"]), ["corporate_action_open"]),
        (
            replace(READY, stale=NAMES, actions_open=["NVDA"]),
            ["prices_stale", "corporate_action_open"],
        ),
    ],
)
def test_each_reason_stops_a_night_by_its_code(facts: Facts, codes: list[str]) -> None:
    assert [found.code for found in findings(facts)] == codes


def test_a_finding_counts_all_and_names_the_first() -> None:
    (found,) = findings(replace(READY, stale=NAMES[::-1]))
    assert found == Finding("prices_stale", 400, tuple(NAMES[:NAMES_MAX]))
