"""Making and revoking API keys over the API and on the page."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from core.limits import API_KEYS_MAX
from identity.models import ApiKey, SecurityEvent, TokenFamily
from jobs.models import Outbox

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/auth/api-keys"


def by_key(text: str) -> APIClient:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return api


def test_a_key_is_shown_once_and_stored_as_a_hash(
    people: Any, client_of: Callable[..., Any]
) -> None:
    api = client_of(people.owner)
    made = api.post(KEYS, {"name": "Sheet", "scopes": ["record", "read"]})
    assert made.status_code == 201, made.content
    text = made.json()["key"]
    assert text.startswith(made.json()["prefix"] + "_")
    assert made.json()["scopes"] == ["read", "record"]
    assert by_key(text).get("/api/v1/accounts").status_code == 200
    listed = api.get(KEYS).json()["data"][0]
    assert listed["last_used_at"] is not None
    assert listed["last_used_address"] == "127.0.0.1"
    secret = text.rpartition("_")[2]
    stored = [str(list(model.objects.values())) for model in (ApiKey, SecurityEvent, Outbox)]
    assert secret not in str(listed) + "".join(stored)
    told = Outbox.objects.get().payload
    assert (told["kind"], told["key_name"]) == ("key_created", "Sheet")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"scopes": []}, 400, "min_length"),
        ({"scopes": ["admin"]}, 400, "invalid_choice"),
        ({"scopes": ["read", "read", "read", "read"]}, 400, "max_length"),
        ({"name": ""}, 400, "blank"),
        ({"name": "x" * 121}, 400, "max_length"),
        ({"account_ids": []}, 400, "min_length"),
        ({"account_ids": ["01a20a30-7263-7db1-aedd-8d50271f4780"]}, 404, "account_not_found"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 400, "expiry_in_past"),
        ({"user": 1}, 400, "unknown_field"),
    ],
)
def test_a_wrong_key_is_refused_and_not_made(
    people: Any, client_of: Callable[..., Any], change: Any, status: int, code: str
) -> None:
    answer = client_of(people.owner).post(KEYS, {"name": "k", "scopes": ["read"], **change})
    codes = {answer.json()["code"]} | {one["code"] for one in answer.json()["errors"]}
    assert answer.status_code == status, answer.content
    assert code in codes or answer.json()["code"] == code, answer.content
    assert not ApiKey.objects.exists()


def test_a_key_for_an_account_of_strangers_is_not_made(
    people: Any, account: Any, client_of: Callable[..., Any]
) -> None:
    body = {"name": "k", "scopes": ["read"], "account_ids": [str(account.public_id)]}
    refused = client_of(people.stranger).post(KEYS, body)
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    assert client_of(people.adviser).post(KEYS, body).status_code == 201
    assert ApiKey.objects.get().user == people.adviser


def test_making_a_key_needs_a_recent_proof(people: Any, client_of: Callable[..., Any]) -> None:
    api = client_of(people.owner)
    TokenFamily.objects.update(proved_at=timezone.now() - timedelta(minutes=16))
    answer = api.post(KEYS, {"name": "k", "scopes": ["read"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "proof_required")
    assert not ApiKey.objects.exists()


def test_keys_of_one_user_are_bounded(
    people: Any, client_of: Callable[..., Any], settings: Any
) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(
            user=people.owner,
            name="k",
            prefix="p",
            key_hash=str(number),
            scopes=["read"],
            created_at=timezone.now(),
        )
        for number in range(API_KEYS_MAX)
    )
    api = client_of(people.owner)
    answer = api.post(KEYS, {"name": "k", "scopes": ["read"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_keys")
    assert ApiKey.objects.count() == API_KEYS_MAX


def test_a_revoked_key_is_out_at_once_and_only_its_owner_revokes(
    people: Any, client_of: Callable[..., Any]
) -> None:
    api = client_of(people.owner)
    made = api.post(KEYS, {"name": "k", "scopes": ["read"]}).json()
    key = by_key(made["key"])
    for person in (people.stranger, people.spouse, people.adviser):
        answer = client_of(person).delete(f"{KEYS}/{made['id']}")
        assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")
        assert client_of(person).get(KEYS).json()["total"] == 0
    assert key.get("/api/v1/accounts").status_code == 200
    # A key revokes no key, not even itself.
    assert key.delete(f"{KEYS}/{made['id']}").json()["code"] == "key_not_allowed"
    assert api.delete(f"{KEYS}/{made['id']}").status_code == 204
    assert key.get("/api/v1/accounts").json()["code"] == "key_invalid"
    assert api.delete(f"{KEYS}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    "text", ["ballast_", "ballast_000000_x", "ballast_\u00e9", "ballast_" + "x" * 5000]
)
def test_what_is_no_key_is_refused(people: Any, text: str) -> None:
    answer = APIClient().get(
        "/api/v1/accounts", HTTP_AUTHORIZATION=f"Bearer ballast_{text}".encode().decode("latin-1")
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")


def test_a_key_beside_a_session_stands_alone(people: Any, client_of: Callable[..., Any]) -> None:
    made = client_of(people.owner).post(KEYS, {"name": "k", "scopes": ["read"]}).json()
    client = Client()
    client.force_login(people.owner)
    answer = client.post(
        "/api/v1/accounts",
        {"name": "x", "type": "taxable", "currency": "USD"},
        content_type="application/json",
        headers={"authorization": f"Bearer {made['key']}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_the_page_makes_shows_once_and_revokes(people: Any, account: Any) -> None:
    people.owner.set_password("correct horse battery")
    people.owner.save(update_fields=["password"])
    client = Client()
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        body = {"email": people.owner.email, "password": "correct horse battery"}
        assert client.post("/login", body).status_code == 302
        form = {"name": "Sheet", "scopes": ["read"], "accounts": [str(account.public_id)]}
        made = client.post("/settings/keys", {**form, "expires_on": "2026-02-01"})
        assert made.status_code == 200
        found = re.search(r'class="secret">(ballast_[\w-]+)<', made.content.decode())
        assert found
        url = f"/api/v1/accounts/{account.public_id}"
        assert by_key(found[1]).get(url).status_code == 200
        page = client.get("/settings/keys").content.decode()
        assert found[1] not in page
        assert "only Main" in page
        assert client.post("/settings/keys", {"name": ""}).status_code == 400
        key_id = str(ApiKey.objects.get().public_id)
        clock.shift(timedelta(minutes=16))
        late = client.post("/settings/keys", form)
        assert late["Location"] == "/settings/security/proof?next=%2Fsettings%2Fkeys"
        assert ApiKey.objects.count() == 1
        assert client.post("/settings/keys/revoke", {"key": "x"}).status_code == 404
        assert client.post("/settings/keys/revoke", {"key": key_id}).status_code == 302
        assert by_key(found[1]).get(url).status_code == 401
