"""A stored answer is for those who may still see what it is about."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from config.reference.examples import REQUESTS
from identity.models import Household, User
from identity.operations.households import withdraw_adviser
from recommendations.models import Strategy
from stores.redis import redis_client

pytestmark = pytest.mark.django_db

DEPOSIT = {"type": "deposit", "amount": "5", "executed_at": "2024-01-02T00:00:00Z"}
CSV = (
    b"type,executed_at,symbol,quantity,price,amount,currency,lot_method\r\n"
    b"deposit,2024-01-03T12:00:00Z,,,,10,USD,\r\n"
)
POSITIONS = (
    b'"Positions for account X as of 2024/01/05"\r\n"Symbol","Description","Qty (Quantity)",'
    b'"Mkt Val (Market Value)"\r\n"AAA","A","1","$5.00"\r\n'
)
# Requests about a household that an adviser sees, by operation; `ids` are those of the household.
OF_A_CLIENT: dict[str, Callable[[dict[str, str]], Any]] = {
    "accounts_create": lambda ids: {
        "name": "Second",
        "type": "ira",
        "currency": "USD",
        "household_id": ids["household_id"],
    },
    "transactions_create": lambda ids: {**DEPOSIT, "account_id": ids["account_id"]},
    "transactions_reverse": lambda ids: {"note": "wrong"},
    "transactions_correct": lambda ids: {**DEPOSIT, "account_id": ids["account_id"]},
    "orders_create": lambda ids: {
        "account_id": ids["account_id"],
        "symbol": "AAA",
        "side": "buy",
        "quantity": "1",
        "type": "market",
    },
    "orders_fills_create": lambda ids: [
        {"quantity": "1", "price": "5", "executed_at": "2024-01-03T00:00:00Z"}
    ],
    "imports_create": lambda ids: {"account_id": ids["account_id"]},
    "imports_commit": lambda ids: {},
    "reconciliations_create": lambda ids: {"account_id": ids["account_id"]},
    "dividends_due_record": lambda ids: [{"symbol": ids["symbol"], "ex_date": "2024-06-10"}],
    "notes_create": lambda ids: {
        "subject_type": "account",
        "subject_id": ids["account_id"],
        "body": "Mine",
    },
    "portfolio_rebalance": lambda ids: {},
    "portfolio_harvest": lambda ids: {},
    "allocations_models_create": lambda ids: {
        "model": "equal_weight",
        "symbols": ["AAA", "BBB"],
        "account_id": ids["account_id"],
    },
    "allocations_models_adopt": lambda ids: {"account_id": ids["account_id"]},
    "strategies_clone": lambda ids: {"account_id": ids["account_id"]},
}
# Requests about the user's own household.
OF_ONE_S_OWN: dict[str, Any] = {
    "market_assets_create": {
        "symbol": "MINE",
        "name": "Mine",
        "currency": "USD",
        "asset_class": "fund",
    },
    "allocations_questionnaire_answer": REQUESTS["allocations_questionnaire_answer"],
    "market_asset_prices_create": [{"date": "2024-01-02", "close": "7"}],
    "corporate_actions_propose": {
        "symbol": "AAA",
        "kind": "split",
        "ex_date": "2024-06-10",
        "ratio": "2:1",
    },
    "asset_identity_decide": {"substantially_identical_to": None, "reason": "not the same"},
}


# Requests about the user alone, wherever they live.
OF_A_PERSON: dict[str, Any] = {
    "own_data_request": {},
    "push_subscriptions_create": REQUESTS["push_subscriptions_create"],
    "webhooks_create": {"url": "https://hooks.example/a", "topics": ["drift"]},
    "strategies_create": {"name": "Patient", "risk_profile": "growth"},
    "price_alerts_create": {"symbol": "WATCHED", "kind": "above", "value": "300"},
}


def test_every_route_with_a_key_is_tried_here(keyed_routes: list[Any]) -> None:
    assert {route.name for route in keyed_routes} == {*OF_A_CLIENT, *OF_ONE_S_OWN, *OF_A_PERSON}


def send(client: Any, route: Any, url: str, body: Any) -> Any:
    key = {"HTTP_IDEMPOTENCY_KEY": f"key-of-{route.name}"}
    if route.name in ("imports_create", "reconciliations_create"):
        content = CSV if route.name == "imports_create" else POSITIONS
        file = SimpleUploadedFile("rows.csv", content, "text/csv")
        return client.post(url, {**body, "file": file}, format="multipart", **key)
    return client.post(url, json.dumps(body), content_type="application/json", **key)


def test_a_withdrawn_adviser_gets_no_stored_answer(
    keyed_routes: list[Any], people: Any, furnish: Any, client_of: Any, digests: Any
) -> None:
    home = furnish(people.owner, 1)
    file = SimpleUploadedFile("ready.csv", CSV, "text/csv")
    upload = {"account_id": home.ids["account_id"], "file": file}
    owner = client_of(people.owner)
    ready = owner.post("/api/v1/imports", upload, format="multipart").json()
    deposit = {**DEPOSIT, "account_id": home.ids["account_id"]}
    recorded = owner.post("/api/v1/transactions", deposit, format="json").json()
    home.ids |= {"import_id": ready["id"], "transaction_id": recorded["id"]}
    Strategy.objects.filter(public_id=home.ids["strategy_id"]).update(hidden_at=None)
    wrong = owner.post("/api/v1/transactions", deposit, format="json").json()
    ids = {**home.ids, "household_id": str(people.owner.household.public_id)}
    requests = {
        route.name: (route, home.url(route), OF_A_CLIENT[route.name](ids))
        for route in keyed_routes
        if route.name in OF_A_CLIENT
    }
    route, url, body = requests["transactions_correct"]  # the other one is reversed
    url = url.replace(recorded["id"], wrong["id"])
    requests["transactions_correct"] = route, url, body
    client, first = client_of(people.adviser), {}
    for name, request in requests.items():
        first[name] = send(client, *request)
        assert first[name].status_code in (200, 201, 202), (name, first[name].content)
        again = send(client, *request)
        assert again["Idempotency-Replayed"] == "true", name
        assert again.json() == first[name].json(), name
    withdraw_adviser(user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now())
    redis_client().flushdb()  # as after the commit, which a test never reaches
    client, before = client_of(people.adviser), digests()
    for name, request in requests.items():
        refused = send(client, *request)
        assert refused.status_code == 404, (name, refused.content)
        assert "Idempotency-Replayed" not in refused, name
        assert not set(refused.json()) & {"id", "job_id"}, name
    assert digests() == before


def test_an_answer_about_a_person_stays_with_that_person(
    keyed_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home = furnish(people.owner, 1)
    for route in keyed_routes:
        if route.name not in OF_A_PERSON:
            continue
        body = OF_A_PERSON[route.name]
        first = send(client_of(people.owner), route, home.url(route), body)
        again = send(client_of(people.owner), route, home.url(route), body)
        assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true"), route.name
        other = send(client_of(people.spouse), route, home.url(route), body)
        assert other.status_code in (201, 202), route.name
        name = "id" if "id" in first.json() else "job_id"
        assert other.json()[name] != first.json()[name], route.name


def test_an_answer_stays_with_the_household_it_was_about(
    keyed_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home = furnish(people.owner, 1)
    routes = [route for route in keyed_routes if route.name in OF_ONE_S_OWN]
    client = client_of(people.owner)
    for route in routes:
        answer = send(client, route, home.url(route), OF_ONE_S_OWN[route.name])
        assert answer.status_code in (200, 201), (route.name, answer.content)
    elsewhere = Household.objects.create(name="Elsewhere")
    User.objects.filter(pk=people.owner.pk).update(household=elsewhere)
    redis_client().flushdb()  # where the cached user still has the old household
    client = client_of(User.objects.get(pk=people.owner.pk))
    for route in routes:
        answer = send(client, route, home.url(route), OF_ONE_S_OWN[route.name])
        assert answer.status_code in (404, 422), (route.name, answer.content)
        assert "Idempotency-Replayed" not in answer, route.name
