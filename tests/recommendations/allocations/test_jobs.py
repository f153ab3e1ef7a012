"""Models over the API, from the request to the adopted targets, and every refusal on the way."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.utils import timezone

from core.errors import InvalidInput
from identity.models import Household
from jobs.models import Job, JobStatus, Outbox
from jobs.operations import LeaseLost, claim
from marketdata.models import (
    AnnouncedDividend,
    Asset,
    CorporateAction,
    DailyPrice,
    ExchangeRate,
)
from notifications.operations.links import page_about
from portfolios.queries import target_weights
from recommendations import operations
from recommendations.allocations.problem import Problem, Request
from recommendations.models import AllocationModel, RiskAssessment
from recommendations.queries.allocations import allocation_problem
from recommendations.tasks import fit_allocation

pytestmark = pytest.mark.django_db

API = "/api/v1/allocations"
ANSWERS = {
    "horizon": "7_to_15_years",
    "reserve": "3_to_12_months",
    "income": "steady",
    "share": "a_quarter_to_half",
    "withdrawals": "later",
    "fall": "wait",
    "range": "wide",
    "sure_or_chance": "coin_1500",
    "experience": "funds",
    "word": "price",
}
SESSIONS = 620


@pytest.fixture
def history(assets: Any) -> dict[str, Asset]:
    """AAA and BBB with 620 weekdays of closes up to today, and CCC with too few."""
    ccc = Asset.objects.create(symbol="CCC", name="C", asset_class="bond", currency="USD")
    made = {"AAA": assets["AAA"], "BBB": assets["BBB"], "CCC": ccc}
    days = [timezone.now().date() - timedelta(days=n) for n in range(900)]
    weekdays = sorted([day for day in days if day.weekday() < 5][:SESSIONS])
    random = np.random.default_rng(8)
    for number, (symbol, asset) in enumerate(made.items(), 1):
        kept = weekdays if symbol != "CCC" else weekdays[-100:]
        prices = 100 * np.cumprod(1 + random.normal(0.0004, 0.006 * number, len(kept)))
        DailyPrice.objects.bulk_create(
            [
                DailyPrice(asset=asset, date=day, close=Decimal(str(round(price, 4))))
                for day, price in zip(kept, prices.tolist(), strict=True)
            ]
        )
    return made


@pytest.fixture
def main(people: Any) -> Any:
    """A taxable account of the owner in dollars."""
    from transactions.operations import open_account

    return open_account(
        user=people.owner,
        name="Main",
        type="taxable",
        currency="USD",
        lot_method="fifo",
        now=timezone.now(),
    )


def ask(client: Any, **body: Any) -> Any:
    asked = {"model": "risk_parity", "symbols": ["AAA", "BBB"], **body}
    return client.post(f"{API}/models", asked, format="json")


def run(answer: Any) -> AllocationModel:
    """Let a worker take the job of an accepted request."""
    assert answer.status_code == 202, answer.content
    fit_allocation(Job.objects.get(public_id=answer.json()["job_id"]).pk)
    return AllocationModel.objects.select_related("job").get(public_id=answer.json()["model_id"])


def test_a_model_is_fitted_read_and_adopted(
    people: Any, main: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    accepted = ask(client)
    assert accepted.json()["status"] == "pending"
    url = f"{API}/models/{accepted.json()['model_id']}"
    assert client.get(url).json()["result"] is None
    assert client.post(f"{url}/adopt", {"account_id": str(main.public_id)}).status_code == 409
    row = run(accepted)
    job = client.get(f"/api/v1/jobs/{accepted.json()['job_id']}").json()
    told = Outbox.objects.get(topic="allocation_complete").payload
    assert page_about(told) == f"/plan/models/{row.public_id}"
    assert (job["status"], job["result"]) == ("completed", {"model_id": str(row.public_id)})
    shown = client.get(url).json()
    result = shown["result"]
    assert shown["status"] == "completed"
    assert result["data"]["sessions"] == SESSIONS - 1
    assert result["evidence"]["sessions"] == SESSIONS - 1 - 504
    assert {"model", "equal_weight"} <= set(result["evidence"])
    weights = {one["symbol"]: Decimal(one["target_percentage"]) for one in result["lines"]}
    assert sum(weights.values()) == 100
    assert weights["AAA"] > weights["BBB"]  # it moves half as much
    before = main.ledger_version
    adopted = client.post(
        f"{url}/adopt", {"account_id": str(main.public_id), "rebalance_threshold": "3"}
    )
    assert adopted.status_code == 200, adopted.content
    stored = target_weights(account_pk=main.pk)
    assert {one.symbol: one.target_percentage for one in stored} == weights
    assert {one.rebalance_threshold for one in stored} == {Decimal(3)}
    main.refresh_from_db()
    assert main.ledger_version > before


def test_the_same_history_gives_the_same_bytes(
    people: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    first = run(ask(client_of(people.owner)))
    second = run(ask(client_of(people.owner)))
    assert first.pk != second.pk
    assert first.result == second.result


def test_a_split_and_a_dividend_enter_the_returns(
    people: Any, history: dict[str, Asset], client_of: Callable[[Any], Any]
) -> None:
    plain = run(ask(client_of(people.owner)))
    day = DailyPrice.objects.filter(asset=history["AAA"]).order_by("-date")[5].date
    DailyPrice.objects.filter(asset=history["AAA"], date__gte=day).update(close=1)
    kept = {"asset": history["AAA"], "kind": "split", "ex_date": day, "currency": "USD"}
    CorporateAction.objects.create(
        **kept,
        ratio_new=50,
        ratio_old=1,
        source="operator",
        state="confirmed",
        proposed_at=timezone.now(),
        confirmed_at=timezone.now(),
    )
    request = operations.allocations.request_of(plain.job.params)
    found = allocation_problem(
        household_id=people.owner.household_id, request=request, now=timezone.now()
    )
    assert found.members[0].closes.splits.values.tolist() == [50.0]
    split = run(ask(client_of(people.owner)))
    assert split.result is not None
    assert split.result != plain.result


def test_own_holdings_and_the_newest_profile_are_the_defaults(
    people: Any, main: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    at = timezone.now() - timedelta(days=30)
    entries = [Entry(type="deposit", executed_at=at, currency="USD", amount=Decimal(1000))]
    entries += [
        Entry("buy", at, currency="USD", symbol=symbol, quantity=Decimal(1), price=Decimal(10))
        for symbol in ("AAA", "BBB")
    ]
    record(account=main, entries=entries, user=people.owner, now=timezone.now())
    client = client_of(people.owner)
    assert (
        client.post(f"{API}/questionnaire", {"answers": ANSWERS}, format="json").status_code == 201
    )
    body = {"model": "equal_weight", "account_id": str(main.public_id)}
    answer = client.post(f"{API}/models", body, format="json")
    row = run(answer)
    assert row.request["symbols"] == ["AAA", "BBB"]
    assert row.request["profile"] == "growth"
    free = client.post(f"{API}/models", body | {"risk_profile": "none"}, format="json")
    assert AllocationModel.objects.get(public_id=free.json()["model_id"]).request["profile"] == ""


def test_answers_are_kept_with_method_and_date(
    people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    asked = client.get(f"{API}/questionnaire").json()
    assert asked["latest"] is None
    assert {one["id"] for one in asked["questions"]} == set(ANSWERS)
    made = client.post(f"{API}/questionnaire", {"answers": ANSWERS}, format="json").json()
    row = RiskAssessment.objects.get()
    assert (row.answers, row.method, row.answered_by) == (ANSWERS, asked["method"], people.owner)
    assert made["profile"] == row.profile == "growth"
    assert (made["tolerance"], made["capacity"]) == (15, 15)
    assert client.get(f"{API}/questionnaire").json()["latest"]["id"] == made["id"]
    assert client_of(people.stranger).get(f"{API}/questionnaire").json()["latest"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"answers": {}}, "answers_incomplete"),
        ({"answers": ANSWERS | {"word": "other"}}, "answer_unknown"),
        ({}, "required"),
    ],
)
def test_wrong_answers_change_nothing(
    people: Any, client_of: Callable[[Any], Any], body: Any, code: str
) -> None:
    answer = client_of(people.owner).post(f"{API}/questionnaire", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not RiskAssessment.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"symbols": []}, "symbols_missing"),
        ({"symbols": ["AAA"]}, "too_few_symbols"),
        ({"symbols": ["AAA", "NOPE"]}, "symbol_unknown"),
        ({"symbols": ["AAA", "AAA"]}, "symbol_repeated"),
        ({"weight_max": "40"}, "bounds_infeasible"),
        ({"bounds": [{"symbol": "AAA", "min": "60", "max": "50"}]}, "bounds_crossed"),
        ({"bounds": [{"symbol": "ZZZ"}]}, "bounds_unknown_symbol"),
        ({"model": "crystal_ball"}, "invalid_choice"),
        ({"years": 500}, "max_value"),
        ({"colour": "blue"}, "unknown_field"),
    ],
)
def test_wrong_requests_are_refused_and_make_nothing(
    people: Any, assets: Any, client_of: Callable[[Any], Any], body: Any, code: str
) -> None:
    answer = ask(client_of(people.owner), **body)
    assert answer.status_code == 400
    told = answer.json()
    assert code in {told["code"], *(one["code"] for one in told.get("errors", ()))}
    assert not Job.objects.exists()
    assert not AllocationModel.objects.exists()


def test_more_than_fifty_symbols_are_refused(people: Any, client_of: Callable[[Any], Any]) -> None:
    answer = ask(client_of(people.owner), symbols=[f"S{n}" for n in range(51)])
    assert answer.status_code == 400
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("symbols", "code"),
    [(["AAA", "CCC"], "history_too_short"), (["AAA", "EEE"], "history_missing")],
)
def test_a_job_without_enough_history_fails_with_its_code(
    people: Any, history: Any, client_of: Callable[[Any], Any], symbols: list[str], code: str
) -> None:
    client = client_of(people.owner)
    row = run(ask(client, symbols=symbols))
    assert row.job.status == JobStatus.FAILED
    shown = client.get(f"{API}/models/{row.public_id}").json()
    assert (shown["error"]["code"], shown["result"]) == (code, None)
    told = Outbox.objects.get(topic="fit_allocation_failed").payload
    assert (told["code"], page_about(told)) == (code, f"/plan/models/{row.public_id}")


def test_another_currency_without_rates_on_the_first_session_is_refused(
    people: Any, history: dict[str, Asset]
) -> None:
    Asset.objects.filter(pk=history["BBB"].pk).update(currency="JPY")
    row = operations.request_fit(
        household=people.owner.household,
        request=operations.fit_request(
            household=people.owner.household,
            account=None,
            user=people.owner,
            asked={"model": "risk_parity", "symbols": ["AAA", "BBB"]},
        ),
        user=people.owner,
        now=timezone.now(),
    )
    fit_allocation(row.job.pk)
    row.job.refresh_from_db()
    assert row.job.error is not None
    assert row.job.error["code"] == "exchange_rate_unknown"


def test_a_worker_that_lost_its_job_writes_nothing_and_the_next_one_does(
    people: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    answer = ask(client_of(people.owner))
    job = Job.objects.get(public_id=answer.json()["job_id"])
    first = claim(job_id=job.pk)
    assert first is not None
    # As after a kill: the lease of the dead worker runs out.
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    second = claim(job_id=job.pk)
    assert second is not None
    with pytest.raises(LeaseLost):
        operations.run_fit(claim=first, now=timezone.now())
    assert AllocationModel.objects.get(job=job).result is None
    operations.run_fit(claim=second, now=timezone.now())
    assert AllocationModel.objects.get(job=job).result is not None


def test_equal_requests_share_a_job_and_too_many_at_once_are_refused(
    people: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    first, again = ask(client).json(), ask(client).json()
    assert first["model_id"] == again["model_id"]
    for years in (2, 3):
        assert ask(client, years=years).status_code == 202
    refused = ask(client, years=4)
    assert (refused.status_code, refused.json()["code"]) == (409, "fits_running")
    assert (Job.objects.count(), AllocationModel.objects.count()) == (3, 3)


def test_strangers_find_no_model_and_adopt_none(
    people: Any, main: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    row = run(ask(client_of(people.owner)))
    url, stranger = f"{API}/models/{row.public_id}", client_of(people.stranger)
    assert stranger.get(url).status_code == 404
    assert stranger.get(f"{API}/models").json()["data"] == []
    body = {"account_id": str(main.public_id)}
    assert stranger.post(f"{url}/adopt", body).status_code == 404
    assert ask(stranger, account_id=str(main.public_id)).status_code == 404
    assert client_of(people.owner).get(f"{API}/models/{uuid4()}").status_code == 404
    assert target_weights(account_pk=main.pk) == []
    seen = client_of(people.adviser).get(f"{API}/models").json()["data"]
    assert [one["id"] for one in seen] == [str(row.public_id)]


def test_a_model_is_adopted_only_in_its_household_and_in_accounts_in_use(
    people: Any, main: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    row = run(ask(client))
    url, body = f"{API}/models/{row.public_id}/adopt", {"account_id": str(main.public_id)}
    other = Household.objects.create(name="Other")
    AllocationModel.objects.filter(pk=row.pk).update(household=other)
    row.refresh_from_db()
    with pytest.raises(Exception, match="another household"):
        operations.adopt(row=row, account=main)
    AllocationModel.objects.filter(pk=row.pk).update(household=main.household)
    main.archived_at = timezone.now()
    main.save(update_fields=["archived_at"])
    refused = client.post(url, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_archived")
    assert target_weights(account_pk=main.pk) == []


def test_an_adoption_with_a_key_happens_once(
    people: Any, main: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    url = f"{API}/models/{run(ask(client)).public_id}/adopt"
    body, key = {"account_id": str(main.public_id)}, {"Idempotency-Key": "adopt"}
    first = client.post(url, body, headers=key)
    main.refresh_from_db()
    version = main.ledger_version
    again = client.post(url, body, headers=key)
    main.refresh_from_db()
    assert again["Idempotency-Replayed"] == "true"
    assert (again.json(), main.ledger_version) == (first.json(), version)


def test_a_problem_reads_only_the_years_asked_for(people: Any, history: dict[str, Asset]) -> None:
    asked = {"model": "risk_parity", "symbols": ["AAA", "BBB"], "years": 1}
    request = operations.fit_request(
        household=people.owner.household, account=None, user=people.owner, asked=asked
    )
    found = allocation_problem(
        household_id=people.owner.household_id, request=request, now=timezone.now()
    )
    first = date.fromordinal(int(found.members[0].closes.days[0]))
    assert first >= timezone.now().date() - timedelta(days=366)
    with pytest.raises(InvalidInput) as unknown:
        allocation_problem(
            household_id=people.stranger.household_id,
            request=type(request)("risk_parity", ("AAA", "OWN"), "USD"),
            now=timezone.now(),
        )
    assert unknown.value.code == "symbol_unknown"


def test_rates_and_dividends_of_the_range_reach_the_returns(
    people: Any, history: dict[str, Asset]
) -> None:
    aaa, bbb = history["AAA"], history["BBB"]
    Asset.objects.filter(pk=bbb.pk).update(currency="EUR")
    today = timezone.now().date()
    turn = today - timedelta(days=200)
    ExchangeRate.objects.create(currency="USD", date=turn, rate=Decimal("1.60"), source="test")
    AnnouncedDividend.objects.create(
        asset=aaa, ex_date=turn, provider="test", amount=Decimal("0.75"), currency="USD"
    )
    AnnouncedDividend.objects.create(
        asset=bbb, ex_date=turn, provider="test", amount=Decimal("0.75"), currency="GBP"
    )

    def read(currency: str) -> Problem:
        return allocation_problem(
            household_id=people.owner.household_id,
            request=Request("risk_parity", ("AAA", "BBB"), currency, years=2),
            now=timezone.now(),
        )

    dollars = read("USD")
    assert dollars.members[0].closes.rates is None
    rates = dollars.members[1].closes.rates
    assert rates is not None
    # Dollars for one euro: the fixing before the range, the new one, and today's.
    assert rates.values.tolist() == [1.25, 1.6, 1.25]
    assert rates.days.tolist()[1:] == [turn.toordinal(), today.toordinal()]
    euros = read("EUR").members[0].closes.rates
    assert euros is not None
    assert euros.values.tolist() == [1 / 1.25, 1 / 1.6, 1 / 1.25]
    paid = dollars.members[0].closes.dividends
    assert (paid.days.tolist(), paid.values.tolist()) == ([turn.toordinal()], [0.75])
    assert dollars.members[0].dividends_known
    # One in a third currency is left out, and the result says that dividends are not known.
    assert not len(dollars.members[1].closes.dividends.days)
    assert not dollars.members[1].dividends_known


def test_an_asset_of_one_household_is_unknown_to_another(
    people: Any, history: Any, client_of: Callable[[Any], Any]
) -> None:
    Asset.objects.create(
        symbol="OWN",
        name="Mine",
        asset_class="fund",
        currency="USD",
        household=people.owner.household,
    )
    refused = ask(client_of(people.stranger), symbols=["AAA", "OWN"])
    assert (refused.status_code, refused.json()["code"]) == (400, "symbol_unknown")
    assert "Mine" not in refused.content.decode()
    # Its owner may ask, but no feed has its prices.
    row = run(ask(client_of(people.owner), symbols=["AAA", "OWN"]))
    assert row.job.error is not None
    assert row.job.error["code"] == "history_missing"


def test_only_the_newest_models_and_answers_of_a_household_are_kept(
    people: Any, history: Any, client_of: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations.allocations, "MODELS_KEPT", 2)
    monkeypatch.setattr(operations.allocations, "ASSESSMENTS_KEPT", 2)
    client = client_of(people.owner)
    made = [run(ask(client, years=years)).public_id for years in (2, 3, 4)]
    newest = set(AllocationModel.objects.values_list("public_id", flat=True))
    assert newest == set(made[1:])
    for _ in range(3):
        client.post(f"{API}/questionnaire", {"answers": ANSWERS}, format="json")
    assert RiskAssessment.objects.count() == 2
