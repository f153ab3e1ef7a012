"""Harvests over HTTP: the job and its recommendation, lists, access, the switch back."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from identity.models import Household
from recommendations.models import Recommendation
from recommendations.operations import decide, replayed
from recommendations.queries.harvest_calendar import harvest_calendar
from recommendations.tasks import harvest as run_harvest
from tests.recommendations.harvesting.households import (
    NOW,
    Trade,
    before,
    found,
    only_offer,
    reason,
    replaces,
)
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record
from transactions.queries import account_with_owner

pytestmark = pytest.mark.django_db


def post(client: Any, account: Account, body: Any = None, key: str = "k") -> Any:
    return client.post(
        f"/api/v1/portfolios/{account.public_id}/harvest",
        body or {},
        format="json",
        headers={"idempotency-key": key},
    )


def test_the_job_stores_a_recommendation_that_replays_to_the_byte(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    trade("mine", "buy", "100", "90", 200)
    client = client_of(people.owner)
    accepted = post(client, home["mine"], {"minimum_benefit": "50"})
    assert accepted.status_code == 202
    assert post(client, home["mine"], {"minimum_benefit": "50"}).json() == accepted.json()
    other = post(client, home["mine"], {"minimum_benefit": "60"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    row = done(accepted, client)
    assert (row.kind, row.status) == ("harvest", "proposed")
    # Later trades change nothing in it.
    trade("mine", "buy", "5", "40", 0)
    assert replayed(recommendation=row) == row.result
    answer = client.post(f"/api/v1/recommendations/{row.public_id}/replay").json()
    assert answer["identical"] is True
    detail = client.get(f"/api/v1/recommendations/{row.public_id}").json()
    assert [one["symbol"] for one in detail["result"]["trades"]] == ["AAA", "BBB"]
    assert detail["inputs"]["options"]["minimum_benefit"] == "50"


def done(accepted: Any, client: Any) -> Recommendation:
    from jobs.models import Job

    job = Job.objects.get(public_id=accepted.json()["job_id"])
    run_harvest(job.pk)
    answer = client.get(f"/api/v1/jobs/{job.public_id}").json()
    assert answer["status"] == "completed", answer
    row = Recommendation.objects.get(job=job)
    assert answer["result"]["recommendation_id"] == str(row.public_id)
    assert answer["result"]["totals"]["net_benefit"]
    return row


def test_a_killed_worker_leaves_one_recommendation(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    from jobs.models import Job

    trade("mine", "buy", "100", "90", 200)
    accepted = post(client_of(people.owner), home["mine"])
    job = Job.objects.get(public_id=accepted.json()["job_id"])
    run_harvest(job.pk)
    run_harvest(job.pk)  # the message comes twice
    assert Recommendation.objects.filter(account=home["mine"]).count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"minimum_benefit": "-1"}, "minimum_benefit"),
        ({"minimum_benefit_percentage": "101"}, "minimum_benefit_percentage"),
        ({"horizon_years": 51}, "horizon_years"),
        ({"horizon": 5}, "horizon"),
    ],
)
def test_options_out_of_range_start_no_job(
    home: dict[str, Account], people: Any, client_of: Any, body: Any, field: str
) -> None:
    from jobs.models import Job

    answer = post(client_of(people.owner), home["mine"], body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Job.objects.count() == 0


def test_opportunities_calendar_and_ledger_are_the_households_own(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    trade("mine", "buy", "100", "90", 200)
    trade("ira", "buy", "100", "90", 200)
    trade("hers", "buy", "10", "30", 400, "BBB")
    trade("hers", "sell", "4", "20", 3, "BBB")
    shown = {"opportunities": "data", "calendar": "data", "ledger": "returns"}
    owner = client_of(people.owner)
    rows = {
        name: owner.get(f"/api/v1/harvest/{name}").json()[field] for name, field in shown.items()
    }
    assert [
        (row["account_name"], row["symbol"], row["offered"], row["reason"])
        for row in rows["opportunities"]
    ] == [
        ("mine", "AAA", False, "no_replacement"),
        ("hers", "BBB", False, "not_screened"),
        ("ira", "AAA", False, "not_taxable"),
    ]
    assert {row["kind"] for row in rows["calendar"]} == {"purchase_blocked"}
    blocked = rows["calendar"][0]
    assert (blocked["symbol"], blocked["from"]) == ("BBB", before(3).date().isoformat())
    assert blocked["until"] == before(-27).date().isoformat()
    assert blocked["first_safe_date"] == before(-28).date().isoformat()
    adviser = client_of(people.adviser)
    of_client = f"household_id={people.owner.household.public_id}"
    stranger = client_of(people.stranger)
    for name, field in shown.items():
        assert rows[name]
        assert adviser.get(f"/api/v1/harvest/{name}?{of_client}").json()[field] == rows[name]
        assert stranger.get(f"/api/v1/harvest/{name}").json()[field] == []
        assert stranger.get(f"/api/v1/harvest/{name}?{of_client}").status_code == 404
    assert post(client_of(people.stranger), home["mine"]).status_code == 404
    hidden = f"/api/v1/harvest/opportunities?account_id={home['mine'].public_id}"
    assert client_of(people.stranger).get(hidden).status_code == 404


def test_the_list_is_filtered_and_paged(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    trade("mine", "buy", "100", "90", 200)
    trade("hers", "buy", "100", "90", 200)
    trade("hers", "buy", "10", "10", 200, "BBB")
    client = client_of(people.owner)

    def names(query: str) -> list[str]:
        answer = client.get(f"/api/v1/harvest/opportunities?{query}").json()
        return [f"{row['account_name']} {row['symbol']}" for row in answer["data"]]

    assert names("") == ["mine AAA", "hers AAA", "hers BBB"]
    assert names("offered=true") == ["mine AAA", "hers AAA"]
    assert names("page_size=1&page=3") == ["hers BBB"]
    assert names(f"account_id={home['hers'].public_id}&offered=false") == ["hers BBB"]
    assert names("offered=true&minimum_benefit=10000") == []


def test_the_calendar_has_long_term_dates_and_refuses_a_long_range(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    trade("mine", "buy", "7", "90", 360)
    trade("ira", "buy", "7", "90", 360)
    client = client_of(people.owner)
    (row,) = client.get("/api/v1/harvest/calendar").json()["data"]
    bought = before(360).date()
    day = (bought + timedelta(days=1)).replace(year=bought.year + 1)
    assert (row["kind"], row["from"], row["quantity"]) == ("long_term", day.isoformat(), "7")
    late = client.get(f"/api/v1/harvest/calendar?from={day + timedelta(days=1)}").json()
    assert late["data"] == []
    far = client.get("/api/v1/harvest/calendar?from=2026-01-01&to=2028-01-01")
    assert (far.status_code, far.json()["code"]) == (400, "range_too_long")


def approved_harvest(
    home: dict[str, Account], trade: Trade, people: Any, client: Any, days_ago: int
) -> Recommendation:
    """Harvest AAA that many days ago: 100 sold at 50, 249 of BBB bought at 20."""
    trade("mine", "buy", "100", "90", 200)
    row = done(post(client, home["mine"]), client)
    decide(recommendation=row, status="approved", user=people.owner, now=NOW)
    Recommendation.objects.filter(pk=row.pk).update(created_at=before(days_ago))
    trade("mine", "sell", "100", "50", days_ago)
    trade("mine", "buy", "249", "20", days_ago, "BBB")
    row.refresh_from_db()
    return row


@pytest.mark.parametrize(("days_ago", "state"), [(31, "offered"), (30, "too_early")])
def test_a_recorded_harvest_is_switched_back_on_day_31(
    home: dict[str, Account],
    trade: Trade,
    people: Any,
    client_of: Any,
    days_ago: int,
    state: str,
) -> None:
    row = approved_harvest(home, trade, people, client_of(people.owner), days_ago)
    result = found(home["mine"])
    (back,) = result.switch_backs
    assert (back.symbol, back.replacement, back.state) == ("AAA", "BBB", state)
    assert back.recommendation_id == str(row.public_id)
    assert back.first_safe_date == before(days_ago - 31).date()
    sides = [(one.side, one.symbol) for one in result.trades]
    assert sides == ([("sell", "BBB"), ("buy", "AAA")] if state == "offered" else [])
    household = Household.objects.get(pk=people.owner.household_id)
    last = NOW.date() + timedelta(days=5)
    entries = harvest_calendar(household=household, first=NOW.date(), last=last, now=NOW)
    assert ("switch_back", back.first_safe_date) in {(one.kind, one.from_date) for one in entries}


def test_an_unapproved_harvest_has_no_way_back(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    row = approved_harvest(home, trade, people, client_of(people.owner), 31)
    Recommendation.objects.filter(pk=row.pk).update(status="rejected")
    assert found(home["mine"]).switch_backs == ()


def test_the_own_replacement_is_no_planned_purchase_of_itself(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    trade("mine", "buy", "100", "90", 200)
    trade("hers", "buy", "100", "90", 200, "BBB")
    replaces("BBB", "AAA")
    client = client_of(people.owner)
    done(post(client, home["mine"]), client)
    assert only_offer(home["mine"]).symbol == "AAA"
    # The spouse's loss of BBB would be washed by it.
    assert reason(home["hers"], "BBB")[0] == "planned_purchase"


def test_the_trades_recorded_as_recommended_give_the_lines_they_promise(
    home: dict[str, Account], trade: Trade, people: Any
) -> None:
    trade("mine", "buy", "100", "90", 200)
    trade("hers", "buy", "10", "60", 10)
    result = found(home["mine"])
    sale, purchase = result.trades
    now = NOW + timedelta(minutes=1)
    record(
        account=home["mine"],
        entries=[
            Entry(one.side, NOW, one.currency, one.symbol, one.quantity, one.price, fee=one.fee)
            for one in (sale, purchase)
        ],
        user=people.owner,
        now=now,
    )
    (line,) = home["mine"].disposals.all()
    (lot,) = sale.lots
    assert (line.proceeds, line.cost_basis) == (lot.proceeds, lot.cost_basis)
    assert line.deferred_loss == lot.disallowed_loss == result.offers[0].disallowed_loss
    assert line.deferred_loss == D("400.10")


def test_an_archived_account_is_not_harvested(
    home: dict[str, Account], people: Any, client_of: Any
) -> None:
    from jobs.models import Job

    Account.objects.filter(pk=home["mine"].pk).update(archived_at=NOW)
    answer = post(client_of(people.owner), home["mine"])
    assert (answer.status_code, answer.json()["code"]) == (409, "account_archived")
    assert Job.objects.count() == 0


def test_the_owner_is_read_with_the_account(
    home: dict[str, Account], people: Any, django_assert_num_queries: Any
) -> None:
    account = account_with_owner(user=people.owner, public_id=home["mine"].public_id)
    with django_assert_num_queries(0):
        assert account.owner.federal_ordinary_rate == D("0.24")


def test_the_ledger_of_a_year_uses_every_loss_once(
    home: dict[str, Account], trade: Trade, people: Any, client_of: Any
) -> None:
    from portfolios.models import TaxCarryforward

    year = NOW.year
    TaxCarryforward.objects.create(owner=people.owner, year=year, short_term=D(500), long_term=D(0))
    trade("mine", "buy", "100", "90", 600)
    trade("mine", "buy", "100", "10", 500, "BBB")
    trade("mine", "sell", "100", "20", 1)
    trade("mine", "sell", "100", "20", 1, "BBB")
    found = client_of(people.owner).get(f"/api/v1/harvest/ledger?year={year}").json()
    mine = next(row for row in found["returns"] if row["carried_in_short_term"] == "500.00")
    # 7,000 lost, 1,000 gained, 500 carried in: 1,000 meets the gain, 3,000 income, 3,500 is left.
    assert (mine["harvested_long_term"], mine["gains_long_term"]) == ("7000.00", "1000.00")
    assert (mine["used_against_gains"], mine["used_against_income"]) == ("1000.00", "3000.00")
    assert (mine["carried_out_short_term"], mine["carried_out_long_term"]) == ("0.00", "3500.00")
    # Without its own losses: 500 of the gain taxed at 15 %. With them 3,000 save 24 %.
    assert mine["tax_saved"] == "795.00"
    assert (mine["provisional_loss"], mine["provisional_until"]) == (
        "7000.00",
        before(-29).date().isoformat(),
    )


@pytest.fixture
def euro(home: dict[str, Account], people: Any) -> Account:
    """A euro account of the owner, whose return is in dollars: 100 EEE bought at 20."""
    account = open_account(user=people.owner, name="euro", type="taxable", currency="EUR", now=NOW)
    entry = Entry("buy", before(200), "EUR", "EEE", D(100), D(20))
    record(account=account, entries=[entry], user=people.owner, now=NOW)
    replaces("EEE", "AAA")
    return account


def test_a_loss_in_another_currency_is_converted_for_the_return(
    euro: Account, people: Any, client_of: Any
) -> None:
    from marketdata.models import ExchangeRate

    rate = ExchangeRate.objects.get(currency="USD", date=NOW.date()).rate
    (offer,) = found(euro).offers
    # Below the limit of 3,000 dollars the loss saves 24 % of it, in euro.
    assert rate * offer.loss < 3000
    assert abs(offer.tax_now - offer.loss * D("0.24")) <= D("0.01")
    entry = Entry("sell", before(1), "EUR", "EEE", D(100), D(10))
    record(account=euro, entries=[entry], user=people.owner, now=NOW)
    ledger = client_of(people.owner).get("/api/v1/harvest/ledger").json()
    (mine,) = (row for row in ledger["returns"] if D(row["harvested_short_term"]))
    (line,) = euro.disposals.all()
    lost = (line.cost_basis - line.proceeds) * rate
    assert abs(D(mine["harvested_short_term"]) - lost) <= D("0.02")
    assert mine["used_against_income"] == mine["harvested_short_term"]


def test_without_a_rate_no_tax_is_made_up_and_no_account_is_lost(
    home: dict[str, Account], euro: Account, trade: Trade, people: Any, client_of: Any
) -> None:
    from marketdata.models import ExchangeRate

    trade("mine", "buy", "100", "90", 200)
    ExchangeRate.objects.all().delete()
    rows = client_of(people.owner).get("/api/v1/harvest/opportunities").json()["data"]
    assert {(row["account_name"], row["symbol"]): row["reason"] for row in rows} == {
        ("mine", "AAA"): "harvest_loss",
        ("euro", "EEE"): "exchange_rate_unknown",
    }
