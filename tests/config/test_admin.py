"""The operators' admin: every page answers, at the same cost however full, and edits no facts."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from edge.admin import COUNT_MAX
from jobs import operations as jobs
from jobs.models import Job, Outbox
from marketdata.models import IdentityDecision
from recommendations.models import Recommendation
from transactions.ledger.entries import Entry
from transactions.models import Account, Rebooking, Transaction
from transactions.operations import record

pytestmark = pytest.mark.django_db

MODELS = list(admin.site._registry)
# The fields an operator may write; everything else is read-only.
WRITABLE = {
    *("Household", "User", "AdviserLink", "Asset", "Account", "CorporateAction"),
    *("Listing", "StrategyModeration"),
}


@pytest.fixture
def desk(client: Any, people: Any) -> Any:
    client.force_login(people.operator)
    return client


def address(model: Any, *rest: object) -> str:
    path = "/".join(str(part) for part in rest)
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{path}{'/' if path else ''}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_search_filter_and_object_answers(
    desk: Any, people: Any, furnish: Any, model: Any
) -> None:
    furnish(people.owner, 3)
    page = desk.get(address(model))
    assert page.status_code == 200
    for term in (
        "owner@ballast.example",
        "AAA",
        "01a20a30-7263-7db1-aedd-8d50271f4780",
        "\x00",
        "%",
    ):
        found = desk.get(address(model), {"q": term})
        assert found.status_code == 200, term
    shown = page.context["cl"]
    for spec in shown.filter_specs:
        for choice in spec.choices(shown):
            assert desk.get(address(model) + choice["query_string"]).status_code == 200
    for row in shown.result_list[:2]:
        assert desk.get(address(model, row.pk, "change")).status_code == 200
        assert desk.get(address(model, row.pk, "history")).status_code == 200
    assert desk.get(address(model, "999999999", "change")).status_code in (302, 404)
    may_add = admin.site._registry[model].has_add_permission(page.wsgi_request)
    assert desk.get(address(model, "add")).status_code == (200 if may_add else 403)
    assert may_add <= (model.__name__ in WRITABLE)


def test_a_list_of_five_hundred_costs_what_a_list_of_one_costs(
    desk: Any, people: Any, furnish: Any
) -> None:
    def asked(model: Any) -> list[str]:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(address(model)).status_code == 200, model
        return [query["sql"] for query in captured]

    furnish(people.owner, 1)
    for model in MODELS:
        asked(model)  # content types and the like are cached from here on
    few = {model.__name__: len(asked(model)) for model in MODELS}
    furnish(people.stranger, 500)
    many = {model.__name__: asked(model) for model in MODELS}
    assert {name: len(statements) for name, statements in many.items()} == few
    assert {name: count for name, count in few.items() if count > 12} == {}
    for statements in many.values():
        for sql in statements:
            # No COUNT reads further than the list needs.
            assert "COUNT(" not in sql or f"LIMIT {COUNT_MAX}" in sql, sql


def test_a_search_finds_by_each_of_its_fields(desk: Any, people: Any, furnish: Any) -> None:
    home = furnish(people.owner, 2)
    furnish(people.stranger, 2)
    account = Account.objects.get(public_id=home.ids["account_id"])

    def found(model: Any, term: str) -> set[Any]:
        return {
            row.account_id
            for row in desk.get(address(model), {"q": term}).context["cl"].result_list
        }

    for term in (home.ids["transaction_id"], home.ids["account_id"], "owner@ballast.example"):
        assert found(Transaction, term) == {account.pk}
    assert found(Transaction, "nobody@ballast.example") == set()
    assert found(Recommendation, home.ids["account_id"]) == {account.pk}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_investors_and_advisers_find_no_door(client: Any, people: Any, model: Any) -> None:
    for person in (people.owner, people.spouse, people.adviser, people.stranger):
        client.force_login(person)
        answer = client.get(address(model))
        assert answer.status_code in (302, 403)
        if answer.status_code == 302:
            assert "/login" in answer["Location"]


def test_pending_rebookings_are_listed_by_state_with_their_counts(
    desk: Any, people: Any, furnish: Any
) -> None:
    furnish(people.owner, 3)
    furnish(people.stranger, 3)
    first, second, *_ = IdentityDecision.objects.order_by("id")
    now, home = timezone.now(), people.owner.household
    waiting = Rebooking.objects.create(household=home, decision=first, next_at=now)
    failed = Rebooking.objects.create(
        household=people.stranger.household,
        decision=second,
        next_at=now,
        attempts=2,
        error="lot_closed",
    )

    def shown(**query: str) -> list[Rebooking]:
        return list(desk.get(address(Rebooking), query).context["cl"].result_list)

    assert shown() == [waiting, failed]
    assert shown(state="waiting") == [waiting]
    assert shown(state="failed") == [failed]
    assert shown(q=str(home.public_id)) == [waiting]
    page = desk.get(address(Rebooking)).content.decode()
    assert "Waiting (1)" in page
    assert "Failed, to be retried (1)" in page
    assert "lot_closed" in page
    for rest in ("add", (failed.pk, "change"), (failed.pk, "delete")):
        path = address(Rebooking, *([rest] if isinstance(rest, str) else rest))
        assert desk.post(path, {"post": "yes", "attempts": "0"}).status_code == 403
    failed.refresh_from_db()
    assert failed.attempts == 2


def test_transactions_are_looked_at_and_never_written(
    desk: Any, people: Any, furnish: Any, digests: Any
) -> None:
    home = furnish(people.owner, 1)
    row = Transaction.objects.get(public_id=home.ids["transaction_id"])
    before = digests()
    change = {"type": "sell", "quantity": "1", "amount": "1", "note": "mine now"}
    assert desk.post(address(Transaction, row.pk, "change"), change).status_code == 403
    assert desk.post(address(Transaction, row.pk, "delete"), {"post": "yes"}).status_code == 403
    assert desk.post(address(Transaction, "add"), change).status_code == 403
    desk.post(
        address(Transaction),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    assert digests() == before


def test_an_operator_moves_no_money_through_an_account(
    desk: Any, people: Any, furnish: Any
) -> None:
    home = furnish(people.owner, 1)
    account = Account.objects.get(public_id=home.ids["account_id"])
    form = {
        "household": account.household_id,
        "owner": account.owner_id,
        "name": "Renamed",
        "type": account.type,
        "lot_method": account.lot_method,
        "cash": "1000000",
        "currency": "EUR",
        "ledger_version": "7",
    }
    assert desk.post(address(Account, account.pk, "change"), form).status_code == 302
    now = Account.objects.get(pk=account.pk)
    assert (now.name, now.cash, now.currency) == ("Renamed", account.cash, "USD")
    assert now.ledger_version >= account.ledger_version
    assert desk.post(address(Account, account.pk, "delete"), {"post": "yes"}).status_code == 403
    assert Account.objects.filter(pk=account.pk).exists()


def test_an_operator_saving_a_page_loaded_before_a_trade_does_not_undo_it(
    account: Any, people: Any, rf: Any
) -> None:
    stale = Account.objects.get(pk=account.pk)
    entry = Entry("deposit", timezone.now(), "USD", amount=Decimal(100))
    record(account=account, entries=[entry], user=people.owner, now=timezone.now())
    stale.name = "Renamed"
    form = SimpleNamespace(changed_data=["name"])
    admin.site._registry[Account].save_model(rf.post("/"), stale, form, True)
    now = Account.objects.get(pk=account.pk)
    assert (now.name, now.cash, now.ledger_version) == ("Renamed", Decimal(100), 2)


def act(desk: Any, model: Any, action: str, *rows: Any) -> list[str]:
    answer = desk.post(
        address(model),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    )
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


def test_jobs_are_cancelled_and_retried_and_refusals_are_told(
    desk: Any, people: Any, furnish: Any, digests: Any
) -> None:
    home = furnish(people.owner, 2)
    job = Job.objects.get(public_id=home.ids["job_id"])
    other = Job.objects.exclude(pk=job.pk).get(kind=job.kind)
    before = digests()
    (refusal, count) = act(desk, Job, "retry_jobs", job)
    assert "Only failed or cancelled jobs can be retried. Select one of those." in refusal
    assert count == "0 jobs retried."
    assert digests() == before
    assert act(desk, Job, "cancel_jobs", job, other) == ["2 jobs cancelled."]
    assert act(desk, Job, "retry_jobs", job) == ["1 jobs retried."]
    job.refresh_from_db()
    other.refresh_from_db()
    assert (job.status, other.status) == ("pending", "cancelled")
    claim = jobs.claim(job_id=job.pk)
    assert claim is not None
    jobs.complete(claim=claim, result={})
    before = digests()
    (refusal, count) = act(desk, Job, "cancel_jobs", job)
    assert "already completed" in refusal
    assert digests() == before


def test_only_dead_letters_are_sent_again(desk: Any, people: Any) -> None:
    rows = Outbox.objects.bulk_create(
        [
            Outbox(
                topic="t",
                household_id=people.owner.household_id,
                dedup_key=state,
                payload={},
                state=state,
                attempts=3,
                created_at=timezone.now(),
                next_at=timezone.now(),
            )
            for state in ("dead", "sent")
        ]
    )
    told = act(desk, Outbox, "replay", *rows)
    assert "Only messages that failed for good can be resent." in told[0]
    assert told[1] == "1 messages will be sent again."
    assert list(Outbox.objects.order_by("id").values_list("state", "attempts")) == [
        ("waiting", 0),
        ("sent", 3),
    ]
