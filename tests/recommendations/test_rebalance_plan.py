"""Limits of a rebalance over HTTP and on its page; the curve; which rule to relax."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs.models import Job
from marketdata.models import Asset, LatestPrice
from portfolios.models import RebalancePolicy, Target
from portfolios.operations import TargetWeight, set_targets
from recommendations.engine.arrays import drift_curve as engine_curve
from recommendations.engine.arrays import warming
from recommendations.engine.arrays.drift_curve import drift_curve
from recommendations.engine.arrays.warming import warm
from recommendations.engine.options import Options
from recommendations.engine.problem import inputs_from_json, inputs_json
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.result import RebalanceResult
from recommendations.models import Recommendation
from recommendations.operations import replayed
from recommendations.queries import netted_tax, rebalance_inputs
from recommendations.tasks import rebalance as run
from stores.redis import redis_client
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record
from transactions.operations import reverse as take_back
from transactions.queries import account_with_owner

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 15, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def compiled_engine() -> None:
    """The first start compiles the engine for as long as it takes."""
    warm()


@pytest.fixture
def home(people: Any) -> Account:
    """10,000 of AAA bought for 5,000, 8,000 of BBB bought for 7,900, and 2,000 of cash; today."""
    return made(people, timezone.now())


@pytest.fixture
def then(people: Any) -> Account:
    """The same account on a day in the middle of a year."""
    return made(people, NOW)


def made(people: Any, now: datetime) -> Account:
    account = open_account(user=people.owner, name="Main", type="taxable", currency="USD", now=now)
    for symbol, price in (("AAA", "100"), ("BBB", "80")):
        asset = Asset.objects.create(symbol=symbol, name=symbol, asset_class="etf", currency="USD")
        LatestPrice.objects.create(asset=asset, price=D(price), as_of=now, source="acme")
    old = datetime(2024, 3, 4, 15, tzinfo=UTC)
    book(
        account,
        people.owner,
        Entry("deposit", old, "USD", amount=D(14_900)),
        Entry("buy", old, "USD", "AAA", D(100), D(50)),
        Entry("buy", old, "USD", "BBB", D(100), D(79)),
    )
    people.owner.federal_ordinary_rate = D("0.37")
    people.owner.federal_long_term_rate = D("0.20")
    people.owner.save()
    aim(account, AAA="40", BBB="30", CASH="30")
    account.refresh_from_db()
    return account


def book(account: Account, user: Any, *entries: Entry) -> list[Any]:
    return list(record(account=account, entries=list(entries), user=user, now=timezone.now()))


def aim(account: Account, **weights: str) -> None:
    set_targets(
        account=account,
        weights=[TargetWeight(symbol, D(share), D(1)) for symbol, share in weights.items()],
    )


def computed_then(account: Account, **options: Any) -> RebalanceResult:
    account.refresh_from_db()
    inputs = rebalance_inputs(account=account, options=Options(**options), now=NOW)
    return rebalance(inputs=inputs_from_json(text=inputs_json(inputs=inputs)))


def asked(client: Any, account: Account, **body: Any) -> Job:
    url = f"/api/v1/portfolios/{account.public_id}/rebalance"
    answer = client.post(url, body, format="json")
    assert answer.status_code == 202, answer.content
    job = Job.objects.get(public_id=answer.json()["job_id"])
    run(job.pk)
    job.refresh_from_db()
    return job


def result(client: Any, account: Account, **body: Any) -> Any:
    job = asked(client, account, **body)
    assert job.status == "completed", job.error
    return client.get(f"/api/v1/jobs/{job.public_id}").json()["result"]


def sold(found: Any) -> dict[str, str]:
    return {row["symbol"]: row["value"] for row in found["trades"] if row["side"] == "sell"}


def test_a_point_of_the_curve_starts_a_rebalance_that_reaches_it(
    home: Account, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    url = f"/api/v1/portfolios/{home.public_id}/rebalance-curve"
    curve = client.get(url).json()
    assert set(curve) == {"data", "total", "page", "page_size"}
    points = curve["data"]
    assert len(points) > 5
    assert set(points[0]) == {"drift", "tax", "cost", "trades"}
    assert D(points[0]["drift"]) < D("0.0001")
    assert points[-1]["trades"] == 0
    assert D(points[0]["tax"]) > 200 > D(points[-1]["tax"]) == 0
    middle = points[len(points) // 2]
    found = result(client, home, drift_limit=middle["drift"])
    assert D(found["after"]["total"]) <= D(middle["drift"])
    assert abs(D(found["totals"]["tax"]) - D(middle["tax"])) < D("0.10")
    assert found["limits"][0]["name"] == "drift"
    # A page of the list.
    short = client.get(f"{url}?page_size=2&page=2").json()
    assert (short["data"], short["total"]) == (points[2:4], len(points))


def test_the_curve_is_computed_once_until_something_changes(
    home: Account, people: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_client().flushdb()
    computed = []

    def counted(**inputs: Any) -> Any:
        computed.append(1)
        return drift_curve(**inputs)

    monkeypatch.setattr(engine_curve, "drift_curve", counted)
    client = client_of(people.owner)
    url = f"/api/v1/portfolios/{home.public_id}/rebalance-curve"
    first = client.get(url).json()
    assert client.get(url).json() == first
    assert len(computed) == 1
    LatestPrice.objects.filter(asset__symbol="AAA").update(price=D(120))
    assert client.get(url).json() != first
    aim(home, AAA="50", BBB="30", CASH="20")
    client.get(url)
    assert len(computed) == 3


def test_strangers_see_no_curve_and_accounts_without_targets_have_none(
    home: Account, people: Any, client_of: Any
) -> None:
    url = f"/api/v1/portfolios/{home.public_id}/rebalance-curve"
    assert client_of(people.stranger).get(url).status_code == 404
    aim(home)
    answer = client_of(people.owner).get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, "targets_missing")


def test_a_curve_asked_for_too_early_says_so(
    home: Account, people: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_client().flushdb()
    monkeypatch.setattr(warming, "is_compiled", lambda: False)
    client = client_of(people.owner)
    answer = client.get(f"/api/v1/portfolios/{home.public_id}/rebalance-curve")
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_starting")
    page = browser(people.owner).get(f"/accounts/{home.public_id}/rebalance")
    assert (page.status_code, "The engine is starting" in page.content.decode()) == (200, True)


def test_budgets_count_what_the_year_has_realized_and_traded(then: Account, people: Any) -> None:
    sale = Entry("sell", NOW.replace(month=2), "USD", "AAA", D(10), D(90))
    (trade,) = book(then, people.owner, sale)
    # 400 of gain realized, 900 turned over: 100 and 600 are left.
    (use,) = computed_then(then, gain_budget=D(500)).limits
    assert (use.name, use.limit, use.kept) == ("gain", D(100), True)
    assert 99 < use.used <= 100
    (use,) = computed_then(then, turnover_budget=D(1500)).limits
    assert (use.limit, 598 < use.used <= 600) == (D(600), True)
    # A trade taken back does not count.
    take_back(original=trade, user=people.owner, now=timezone.now())
    assert computed_then(then, turnover_budget=D(1500)).limits[0].limit == 1500
    # Nor do gains and trades of the year before.
    book(then, people.owner, Entry("sell", NOW.replace(year=2025), "USD", "AAA", D(10), D(90)))
    assert computed_then(then, gain_budget=D(500)).limits[0].limit == 500
    assert computed_then(then, turnover_budget=D(1500)).limits[0].limit == 1500


def test_losses_of_the_year_make_room_for_gains(then: Account, people: Any) -> None:
    book(then, people.owner, Entry("sell", NOW.replace(month=2), "USD", "BBB", D(10), D(59)))
    assert computed_then(then, gain_budget=D(500)).limits[0].limit == 700


def test_only_cash_is_invested(home: Account, people: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    aim(home, AAA="40", BBB="60")
    found = result(client, home, cash_policy="invest_only")
    assert {row["side"] for row in found["trades"]} == {"buy"}
    reasons = {row["symbol"]: row["reason"] for row in found["skipped"]}
    assert reasons == {"AAA": "invest_only"}


def test_a_symbol_left_out_counts_neither_as_value_nor_as_target(
    home: Account, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    found = result(client, home, leave_out=["BBB"])
    assert found["before"]["account_value"] == "12000"
    (row,) = found["before"]["securities"]
    assert (row["symbol"], row["target_weight"]) == ("AAA", "0.571429")
    said = next(row for row in found["skipped"] if row["symbol"] == "BBB")
    assert said["reason"] == "left_out"
    assert "as you wish" in said["explanation"]
    url = f"/api/v1/portfolios/{home.public_id}/rebalance"
    refused = client.post(url, {"leave_out": ["CCC"]}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "symbol_not_in_account")
    assert Job.objects.count() == 1


def test_young_lots_wait(home: Account, people: Any, client_of: Any) -> None:
    found = result(client_of(people.owner), home, minimum_holding_days=3_000)
    assert found["trades"] == []
    assert {row["reason"] for row in found["skipped"]} == {"minimum_holding_period"}


def test_a_recommendation_with_limits_replays_after_later_trades(
    home: Account, people: Any, client_of: Any
) -> None:
    job = asked(client_of(people.owner), home, gain_budget="300", minimum_holding_days=30)
    row = Recommendation.objects.get(job=job)
    sale = Entry("sell", timezone.now() - timedelta(hours=1), "USD", "AAA", D(5), D(95))
    book(home, people.owner, sale)
    assert replayed(recommendation=row) == row.result


def test_options_out_of_range_are_refused_and_nothing_is_requested(
    home: Account, people: Any, client_of: Any
) -> None:
    url = f"/api/v1/portfolios/{home.public_id}/rebalance"
    for body in (
        {"drift_limit": "1.5"},
        {"drift_limit": "-0.1"},
        {"cash_policy": "sell_all"},
        {"minimum_holding_days": -1},
        {"gain_budget": "-5"},
        {"leave_out": ["A B"]},
    ):
        answer = client_of(people.owner).post(url, body, format="json")
        assert answer.status_code == 400, body
    assert not Job.objects.exists()


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_has_a_handle_and_a_table_that_start_a_rebalance(
    home: Account, people: Any
) -> None:
    client = browser(people.owner)
    url = f"/accounts/{home.public_id}/rebalance"
    text = client.get(url).content.decode()
    assert '<input type="range" id="curve-handle" min="0"' in text
    assert text.count("data-curve-row") > 5
    drift = text.split('data-drift="')[3].split('"')[0]
    body = {"planned": "1", "drift_limit": drift, "gain_budget": "500", "leave_out": ["BBB"]}
    answer = client.post(url, body)
    job = Job.objects.get()
    assert answer.headers["Location"].endswith(f"/rebalance/{job.public_id}")
    assert (job.params["drift_limit"], job.params["gain_budget"]) == (drift, "500")
    assert job.params["leave_out"] == ["BBB"]
    wrong = client.post(url, {"planned": "1", "gain_budget": "much", "leave_out": ["ZZZ"]})
    assert (wrong.status_code, Job.objects.count()) == (400, 1)
    assert browser(people.stranger).get(url).status_code == 404


def test_the_recommendation_says_why_each_holding_is_not_at_its_target(
    home: Account, people: Any, client_of: Any
) -> None:
    job = asked(client_of(people.owner), home, drift_limit="0.15")
    row = Recommendation.objects.get(job=job)
    url = f"/accounts/{home.public_id}/recommendations/{row.public_id}"
    text = browser(people.owner).get(url).content.decode()
    assert "Why not the target?" in text
    assert "the drift you accept lets it stay" in text
    assert "Accepted drift" in text
    assert f'href="/accounts/{home.public_id}/rebalance"' in text


def test_the_page_nets_the_tax_with_the_losses_of_the_year(then: Account, people: Any) -> None:
    # 1,000 of loss is realized; the trades gain more than that, long-term at 20 %.
    book(then, people.owner, Entry("sell", NOW.replace(month=2), "USD", "BBB", D(50), D(59)))
    found = computed_then(then)
    gain = found.totals.gain_long
    assert (found.totals.gain_short, gain > 1_000) == (D(0), True)
    account = account_with_owner(user=people.owner, public_id=then.public_id)
    netted = netted_tax(account=account, result=found, as_of=NOW.date())
    # Without the trades, the loss would save tax on income at 37 %.
    assert netted == (gain - 1_000) * D("0.20") + 1_000 * D("0.37")
    assert found.totals.tax == gain * D("0.20")
    people.owner.refresh_from_db()
    assert netted_tax(account=account, result=replace(found, trades=()), as_of=NOW.date()) is None


def test_a_clash_names_the_rules_and_offers_to_relax_each(
    home: Account, people: Any, client_of: Any
) -> None:
    job = asked(
        client_of(people.owner), home, cash_floor="9000", turnover_budget="100", gain_budget="7000"
    )
    assert (job.status, (job.error or {})["code"]) == ("failed", "limits_clash")
    client = browser(people.owner)
    page = client.get(f"/accounts/{home.public_id}/rebalance/{job.public_id}/progress")
    text = page.content.decode()
    assert "turnover budget of 100 USD" in text
    labels = ["Drop the gain budget", "Drop the turnover budget", "Raise no cash"]
    assert [label for label in labels if label in text] == labels
    relaxed = {"cash_floor": "9000", "gain_budget": "7000"}
    for name, value in relaxed.items():
        assert f'name="{name}" value="{value}"' in text
    client.post(f"/accounts/{home.public_id}/rebalance", {"planned": "1", **relaxed})
    again = Job.objects.exclude(pk=job.pk).get()
    run(again.pk)
    again.refresh_from_db()
    assert again.status == "completed", again.error


def test_stored_rules_hold_unless_a_request_says_otherwise(
    home: Account, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    url = f"/api/v1/portfolios/{home.public_id}/rebalance-policy"
    none = client.get(url).json()
    assert none["cash_policy"] == "full"
    assert none["gain_budget"] is None
    rules = {"minimum_holding_days": 3000, "leave_out": ["BBB"], "turnover_budget": "800"}
    stored = client.put(url, rules, format="json").json()
    assert stored == {**none, **rules}
    assert client.get(url).json() == stored
    found = result(client, home)
    assert {row["reason"] for row in found["skipped"]} == {"minimum_holding_period", "left_out"}
    asked_otherwise = asked(client, home, minimum_holding_days=0, leave_out=[])
    assert asked_otherwise.params["turnover_budget"] == "800"
    assert asked_otherwise.params["leave_out"] == []
    # The button of the portfolio sends no rules, so those of the account hold.
    answer = browser(people.owner).post(f"/accounts/{home.public_id}/rebalance")
    newest = Job.objects.get(public_id=answer.headers["Location"].split("/")[-1])
    assert newest.params["minimum_holding_days"] == 3000
    assert client.put(url, {}, format="json").json() == none
    assert not RebalancePolicy.objects.exists()


def test_rules_that_make_no_sense_are_refused_and_nothing_is_stored(
    home: Account, people: Any, client_of: Any
) -> None:
    url = f"/api/v1/portfolios/{home.public_id}/rebalance-policy"
    client = client_of(people.owner)
    for body, code in (
        ({"leave_out": ["NOPE"]}, "symbol_unknown"),
        ({"cash_policy": "none"}, "invalid_choice"),
        ({"gain_budget": "-1"}, "negative"),
        ({"colour": "red"}, "unknown_field"),
    ):
        answer = client.put(url, body, format="json")
        assert answer.status_code == 400, body
        assert code in answer.content.decode()
    assert not RebalancePolicy.objects.exists()
    stranger = client_of(people.stranger)
    assert stranger.get(url).status_code == 404
    assert stranger.put(url, {"gain_budget": "1"}, format="json").status_code == 404


def test_the_page_keeps_rules_for_every_rebalance(home: Account, people: Any) -> None:
    client = browser(people.owner)
    url = f"/accounts/{home.public_id}/rebalance"
    client.post(url, {"planned": "1", "action": "keep", "gain_budget": "750"})
    assert RebalancePolicy.objects.get().gain_budget == 750
    assert 'name="gain_budget" value="750"' in client.get(url).content.decode()
    assert not Job.objects.exists()


def test_a_relative_band_is_a_part_of_the_target(
    home: Account, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    url = f"/api/v1/portfolios/{home.public_id}/targets"
    relative = {"threshold_kind": "relative"}
    rows = [
        {"symbol": "AAA", "target_percentage": "46", "rebalance_threshold": "20", **relative},
        {"symbol": "BBB", "target_percentage": "40", "rebalance_threshold": "1"},
        {"symbol": "CASH", "target_percentage": "14", "rebalance_threshold": "50", **relative},
    ]
    stored = client.put(url, rows, format="json").json()["data"]
    assert stored == [rows[0], {**rows[1], "threshold_kind": "absolute"}, rows[2]]
    bands = dict(Target.objects.values_list("target_percentage", "rebalance_threshold"))
    assert bands == {D(46): D("9.2"), D(40): D(1), D(14): D(7)}
    # AAA is 50 % of 20,000, within 46 +- 9.2; with 46 +- 0.92 it would not be.
    assert result(client, home)["trades"] == []
    rows[0] |= {"rebalance_threshold": "2"}
    client.put(url, rows, format="json")
    assert sold(result(client, home)).keys() == {"AAA"}
    wrong = [{**rows[0], "threshold_kind": "sideways"}, *rows[1:]]
    assert client.put(url, wrong, format="json").status_code == 400
    assert Target.objects.get(asset__symbol="AAA").relative_threshold == 2


def test_the_page_of_targets_keeps_the_kind_of_each_band(home: Account, people: Any) -> None:
    client = browser(people.owner)
    url = f"/accounts/{home.public_id}/targets"
    body = {
        "symbol": ["AAA", "BBB", "CASH"],
        "target": ["40", "30", "30"],
        "threshold": ["10", "2", "5"],
        "kind": ["relative", "absolute", "absolute"],
        "action": "save",
    }
    assert client.post(url, body).status_code == 302
    stored = Target.objects.get(asset__symbol="AAA")
    assert (stored.rebalance_threshold, stored.relative_threshold) == (D(4), D(10))
    text = client.get(url).content.decode()
    assert text.count('value="relative" selected') == 1
    refused = client.post(url, {**body, "kind": ["odd", "absolute", "absolute"]})
    assert refused.status_code == 400
    assert Target.objects.get(asset__symbol="AAA").relative_threshold == 10
