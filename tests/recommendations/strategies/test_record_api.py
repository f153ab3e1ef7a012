"""The record over HTTP and on its page: apart from the backtest, and nobody else's business."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommendations.models import Strategy, StrategyDay
from recommendations.operations.moderation import moderate
from recommendations.operations.strategy_backtests import compute_backtests
from recommendations.operations.strategy_records import append_days
from tests.recommendations.strategies.published import (
    asset,
    closes,
    day,
    noon,
    publish,
    strategy,
    weekdays,
)


@pytest.fixture
def core(people: Any) -> Strategy:
    share, index = asset("ONE"), asset("SPX")
    closes(share, {on: 100 + n for n, on in enumerate(weekdays(0, 400))})
    closes(index, {on: 1000 + n for n, on in enumerate(weekdays(0, 400))})
    row = strategy(people.owner, description="<script>alert(1)</script> **Patient**")
    publish(row, {share: "90", None: "10"}, day(100))
    publish(row, {share: "80", None: "20"}, day(200), schedule="monthly")
    append_days(now=noon(day(300)))
    compute_backtests(now=noon(day(300)))
    return row


def record_of(client: Any, row: Strategy) -> Any:
    return client.get(f"/api/v1/strategies/{row.public_id}/record")


def test_record_and_backtest_are_apart_and_labeled(
    core: Strategy, people: Any, client_of: Any
) -> None:
    found = record_of(client_of(people.stranger), core).json()
    record, backtest = found["record"], found["backtest"]
    assert record["first_date"] == str(day(101))
    assert backtest["last_date"] < str(day(100))
    assert not {one["date"] for one in record["series"]} & {
        one["date"] for one in backtest["series"]
    }
    assert record["about"].startswith("Record")
    assert backtest["about"].startswith("Backtest: hypothetical")
    assert "failed before" in backtest["survivorship"]
    assert [one["symbol"] for one in backtest["ranges"]] == ["ONE"]
    days = list(StrategyDay.objects.filter(strategy=core).order_by("date"))
    assert [Decimal(one["value"]) for one in record["series"]] == [one.value for one in days]
    assert found["hash"] == days[-1].hash
    assert found["ranked"]
    assert found["record_days"] == (days[-1].date - days[0].date).days
    assert record["series"][0]["benchmark"] == "1.000000000000"
    assert found["benchmark"] == "SPX"
    assert "dividends" in found["benchmark_note"]


def test_what_a_short_record_does_not_know_is_null_with_a_reason(
    core: Strategy, people: Any, client_of: Any
) -> None:
    record = record_of(client_of(people.owner), core).json()["record"]
    for name in ("one_year", "three_years", "five_years"):
        assert record["returns"][name]["value"] is None
        assert record["reasons"][f"returns.{name}"]["code"] == "record_too_short"
    assert record["tax_drag"] is None
    assert record["reasons"]["tax_drag"]["code"] == "tax_of_each_follower"
    assert record["sharpe"] is None
    assert record["reasons"]["sharpe"]["code"] == "risk_free_absent"
    assert Decimal(record["returns"]["whole"]["value"]) > 0


def test_a_draft_and_a_hidden_strategy_have_no_record_for_others(
    core: Strategy, people: Any, client_of: Any
) -> None:
    draft = strategy(people.owner, "Draft")
    mine, theirs = client_of(people.owner), client_of(people.stranger)
    assert record_of(theirs, draft).status_code == 404
    found = record_of(mine, draft).json()
    assert (found["record"], found["backtest_reason"]["code"]) == (None, "not_computed")
    moderate(strategy=core, kind="hide", reason="Spam", user=people.operator, now=noon(day(300)))
    assert record_of(theirs, core).status_code == 404
    assert record_of(mine, core).status_code == 200


@pytest.fixture
def page(people: Any) -> Client:
    client = Client()
    client.force_login(people.stranger)
    return client


def test_the_page_shows_both_with_their_labels(core: Strategy, page: Client) -> None:
    answer = page.get(reverse("strategy", args=[core.public_id]))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Record since publication" in text
    assert "Backtest, not a record" in text
    assert "90.00% → 80.00%" in text
    assert "<script>alert(1)" not in text
    assert "<strong>Patient</strong>" in text


def test_the_page_takes_as_many_queries_for_a_long_record(core: Strategy, page: Client) -> None:
    address = reverse("strategy", args=[core.public_id])
    page.get(address)
    with CaptureQueriesContext(connection) as short:
        page.get(address)
    append_days(now=noon(day(390)))
    with CaptureQueriesContext(connection) as long:
        page.get(address)
    assert len(long) <= len(short) < 30


def test_the_page_offers_to_follow_and_comes_back_to_it(core: Strategy, page: Client) -> None:
    address = reverse("strategy", args=[core.public_id])
    text = page.get(address).content.decode()
    assert f'name="next" value="{address}"' in text
    follow = reverse("strategy_follow", args=[core.public_id])
    answer = page.post(follow, {"action": "follow", "next": address})
    assert answer["Location"] == address
    assert 'value="unfollow"' in page.get(address).content.decode()


def test_up_to_four_records_are_compared(core: Strategy, page: Client, people: Any) -> None:
    address = reverse("strategies_compare")
    one = page.get(address, {"strategy": [str(core.public_id)]})
    assert b"Core" in one.content
    assert b"Backtest" not in one.content
    draft = strategy(people.owner, "Draft")
    hidden = page.get(address, {"strategy": [str(core.public_id), str(draft.public_id)]})
    assert hidden.status_code == 404
    made = []
    for number in range(5):
        row = strategy(people.owner, f"S{number}")
        publish(row, {None: "100"}, day(100))
        made.append(str(row.public_id))
    assert page.get(address, {"strategy": made[:4]}).status_code == 200
    assert page.get(address, {"strategy": made}).status_code == 400
    assert page.get(address, {"strategy": "abc"}).status_code == 400
    pasted = f"https://ballast.example/strategies/{made[0]}/"
    assert b"S0" in page.get(address, {"strategy": pasted}).content


def test_an_author_sees_a_decision_and_appeals_on_the_page(core: Strategy, people: Any) -> None:
    moderate(
        strategy=core, kind="hide", reason="It promises", user=people.operator, now=noon(day(300))
    )
    client = Client()
    client.force_login(people.owner)
    address = reverse("strategy", args=[core.public_id])
    assert b"It promises" in client.get(address).content
    client.post(reverse("strategy_appeal", args=[core.public_id]), {"reason": "It does not"})
    assert [row.kind for row in core.moderation.order_by("id")] == ["hide", "appeal"]
    assert (
        client.post(
            reverse("strategy_appeal", args=[core.public_id]), {"reason": "Again"}
        ).status_code
        == 409
    )
