"""Every route says what an API key may do with it, and keys do what the table says."""

import json
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone
from rest_framework.test import APIClient

from config.key_routes import OBJECTS, ROUTES
from core.identifiers import uuid7
from identity.key_rules import BODY, HOUSEHOLD, NONE, OBJECT, PATH, QUERY, SCOPES
from identity.models import AdviserLink, ApiKey
from identity.operations.api_keys import make_key
from identity.origins import NOWHERE

SCHEMA = Path(__file__).resolve().parents[2] / "platform/openapi.yaml"


@cache
def operations() -> dict[str, dict[str, Any]]:
    schema = yaml.safe_load(SCHEMA.read_text())
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def test_no_route_is_left_out_and_none_is_gone() -> None:
    assert sorted(set(operations()) - set(ROUTES)) == [], "add them to config/key_routes.py"
    assert sorted(set(ROUTES) - set(operations())) == []


def test_each_rule_fits_its_route() -> None:
    for name, rule in ROUTES.items():
        parameters = {one["name"] for one in operations()[name].get("parameters", ())}
        assert rule.scope in (None, *SCOPES), name
        if rule.account == PATH:
            assert "{account_id}" in name, name
        elif rule.account == QUERY:
            assert "account_id" in parameters, name
        elif rule.account == OBJECT:
            assert set(re.findall(r"\{(\w+)\}", name)) & set(OBJECTS), name
        else:
            assert rule.account in (NONE, BODY, HOUSEHOLD), name
            assert "{account_id}" not in name or rule.scope is None, name


def test_nothing_about_people_is_open_to_a_key() -> None:
    opened = {
        name
        for name, rule in ROUTES.items()
        if rule.scope is not None
        and name.split(" ", 1)[1].startswith(
            ("auth/", "users/", "households/adv", "households/inv")
        )
    }
    assert opened == {"GET users/me"}


def key_client(user: Any, *scopes: str, **more: Any) -> APIClient:
    fields: dict[str, Any] = {"account_ids": None, "expires_at": None, **more}
    _, text = make_key(
        user=user, name="key", scopes=scopes, now=timezone.now(), origin=NOWHERE, **fields
    )
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return api


# They read no credentials at all.
PUBLIC = {
    *("auth/register", "auth/token", "auth/token/refresh"),
    *("auth/password-reset", "auth/password-reset/confirm"),
    *("auth/email-verification/confirm", "auth/passkeys/log-in", "auth/passkeys/log-in/options"),
}


@pytest.mark.django_db
def test_a_key_without_the_scope_changes_and_sees_nothing(shared_home: Any, digests: Any) -> None:
    people, home = shared_home
    lacking = {scope: [one for one in SCOPES if one != scope] for scope in SCOPES}
    clients = {scope: key_client(people.owner, *lacking[scope]) for scope in SCOPES}
    every = key_client(people.owner, *SCOPES)
    before = digests()
    tried = 0
    for name, rule in ROUTES.items():
        method, path = name.split(" ", 1)
        if path in PUBLIC:
            continue
        client = every if rule.scope is None else clients[rule.scope]
        answer = client.generic(
            method, "/api/v1/" + path.format(**home.ids), "{}", content_type="application/json"
        )
        wanted = "key_not_allowed" if rule.scope is None else "scope_missing"
        assert (answer.status_code, answer.json()["code"]) == (403, wanted), name
        assert "Secret" not in answer.content.decode(), name
        tried += 1
    after = digests()
    for table in ("identity_apikey", "identity_resetrequest"):
        before.pop(table), after.pop(table)
    assert after == before
    assert tried > 80


@pytest.mark.django_db
def test_a_key_of_one_account_reaches_no_other(shared_home: Any, digests: Any) -> None:
    """Each route is called with the account of the key's own, then with another of its user."""
    from transactions.models import Account

    people, home = shared_home
    other = (
        Account.objects.filter(household_id=people.owner.household_id)
        .exclude(public_id=home.ids["account_id"])
        .order_by("id")
        .first()
    )
    assert other is not None
    client = key_client(people.owner, *SCOPES, account_ids=[other.public_id])
    before = digests()
    tried = 0
    for name, rule in ROUTES.items():
        if rule.scope is None or rule.account == NONE:
            continue
        method, path = name.split(" ", 1)
        url = "/api/v1/" + path.format(**home.ids)
        if rule.account == QUERY:
            url += f"?account_id={home.ids['account_id']}"
        body = {"account_id": home.ids["account_id"]} if rule.account == BODY else {}
        content = operations()[name].get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content:
            answer = client.generic(
                method,
                url,
                encode_multipart(BOUNDARY, body).decode(),
                content_type=MULTIPART_CONTENT,
            )
        else:
            answer = client.generic(method, url, json.dumps(body), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "key_account_missing"), name
        tried += 1
    after = digests()
    before.pop("identity_apikey"), after.pop("identity_apikey")
    assert after == before
    assert tried > 60
    assert client.get(f"/api/v1/accounts/{other.public_id}").status_code == 200
    assert client.get(f"/api/v1/transactions?account_id={other.public_id}").status_code == 200
    assert client.get("/api/v1/transactions").json()["code"] == "key_account_missing"
    # What names an account only to choose its household answers about all of its accounts.
    whole = client.get(f"/api/v1/portfolios/performance?account_id={other.public_id}")
    assert (whole.status_code, whole.json()["code"]) == (403, "key_account_missing")


@pytest.mark.django_db
def test_a_key_of_one_account_moves_nothing_into_or_out_of_another(shared_home: Any) -> None:
    from recommendations.models import Recommendation
    from transactions.models import Account, Transaction

    people, home = shared_home
    mine = Account.objects.get(public_id=home.ids["account_id"])
    other = Account.objects.filter(household_id=mine.household_id).exclude(pk=mine.pk).first()
    assert other is not None
    client = key_client(people.owner, "record", "trade", account_ids=[mine.public_id])
    count = Transaction.objects.count()
    transfer = {
        "account_id": str(mine.public_id),
        "to_account_id": str(other.public_id),
        "type": "transfer_out",
        "amount": "1",
        "executed_at": "2024-01-02T00:00:00Z",
    }
    correction = {**transfer, "type": "deposit", "account_id": str(other.public_id)}
    correction.pop("to_account_id")
    foreign = Recommendation.objects.get(public_id=home.ids["recommendation_id"])
    Recommendation.objects.filter(pk=foreign.pk).update(account=other)
    order = {"symbol": "AAA", "side": "buy", "quantity": "1", "type": "market"}
    order |= {"account_id": str(mine.public_id), "recommendation_id": str(foreign.public_id)}
    for path, body in [
        ("orders", order),
        ("transactions", transfer),
        ("transactions", [transfer]),
        (f"transactions/{home.ids['transaction_id']}/correct", correction),
    ]:
        answer = client.post(f"/api/v1/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "key_account_missing"), path
    assert Transaction.objects.count() == count
    deposit = {**correction, "account_id": str(mine.public_id)}
    assert client.post("/api/v1/transactions", deposit).status_code == 201


@pytest.mark.django_db
def test_a_key_of_one_account_takes_back_no_transfer_of_another(shared_home: Any) -> None:
    from transactions.models import Account, Transaction

    people, home = shared_home
    mine = Account.objects.get(public_id=home.ids["account_id"])
    other = Account.objects.filter(household_id=mine.household_id).exclude(pk=mine.pk).first()
    assert other is not None
    gone = Transaction.objects.get(public_id=home.ids["transaction_id"])
    deposit = {
        "account_id": str(other.public_id),
        "type": "deposit",
        "amount": "1",
        "executed_at": "2024-01-02T00:00:00Z",
    }
    made = key_client(people.owner, "record").post("/api/v1/transactions", deposit)
    arrived = Transaction.objects.get(public_id=made.json()["id"])
    # The ledger is only appended to: the other side of the transfer is a row of its own.
    arrived.pk, arrived.public_id, arrived.counterpart = None, uuid7(), gone
    arrived.save(force_insert=True)
    count = Transaction.objects.count()
    for account, row in [(mine, gone), (other, arrived)]:
        client = key_client(people.owner, "read", "record", account_ids=[account.public_id])
        assert client.get(f"/api/v1/transactions/{row.public_id}").status_code == 200
        answer = client.post(f"/api/v1/transactions/{row.public_id}/reverse", {})
        assert (answer.status_code, answer.json()["code"]) == (403, "key_account_missing")
    assert Transaction.objects.count() == count


@pytest.mark.django_db
def test_a_key_sees_what_its_person_sees_and_no_more(shared_home: Any) -> None:
    people, home = shared_home
    url = f"/api/v1/accounts/{home.ids['account_id']}"
    assert key_client(people.stranger, "read").get(url).status_code == 404
    client = key_client(people.adviser, "read")
    assert client.get(url).status_code == 200
    AdviserLink.objects.all().delete()
    assert client.get(url).status_code == 404


@pytest.mark.django_db
def test_a_key_ends_with_its_time_its_revocation_and_its_person(shared_home: Any) -> None:
    people, _ = shared_home
    now = timezone.now()
    for end in ("time", "revoked", "person"):
        client = key_client(people.spouse, "read", expires_at=now + timedelta(days=1))
        assert client.get("/api/v1/accounts").status_code == 200
        if end == "time":
            ApiKey.objects.update(expires_at=now)
        elif end == "revoked":
            ApiKey.objects.update(revoked_at=now)
        else:
            type(people.spouse).objects.filter(pk=people.spouse.pk).update(is_active=False)
        answer = client.get("/api/v1/accounts")
        assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid"), end
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
