"""The profile, and tickets for the stream."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from identity.models import TokenFamily, User
from stores.redis import redis_client

pytestmark = pytest.mark.django_db

Clients = Callable[[User], APIClient]
ME = "/api/v1/users/me"


def test_the_profile_shows_the_user_and_his_household(people: Any, client_of: Clients) -> None:
    body = client_of(people.owner).get(ME).json()
    assert body["id"] == str(people.owner.public_id)
    assert (body["email"], body["role"]) == ("owner@ballast.example", "investor")
    assert body["federal_ordinary_rate"] == "0.24"
    assert [member["email"] for member in body["household"]["members"]] == [
        "owner@ballast.example",
        "spouse@ballast.example",
    ]
    assert "password" not in json.dumps(body)
    assert str(people.owner.pk) not in body.values()


def test_given_fields_change_and_no_others(people: Any, client_of: Clients) -> None:
    before = User.objects.values().get(pk=people.owner.pk)
    body = {"full_name": "Owner", "base_currency": "eur", "state_rate": "0.093"}
    answer = client_of(people.owner).patch(ME, body)
    assert answer.status_code == 200
    assert answer.json()["base_currency"] == "EUR"
    after = User.objects.values().get(pk=people.owner.pk)
    changed = {name for name, value in after.items() if value != dict(before)[name]}
    assert changed == {"full_name", "base_currency", "state_rate", "rates_stated_at"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"role": "operator"}, "unknown_field"),
        ({"household": None}, "unknown_field"),
        ({"active_trader": True}, "unknown_field"),
        ({"id": "x"}, "unknown_field"),
        ({"base_currency": "XXX"}, "unknown_currency"),
        ({"state_rate": "NaN"}, "number_not_finite"),
        ({"state_rate": "1.1"}, "too_large"),
        ({"state_rate": "-0.1"}, "negative"),
        ({"state_rate": "0.123456"}, "too_many_decimals"),
        ({"email": "new@b.example"}, "required"),
        ({"email": "new@b.example", "current_password": "wrong"}, "password_wrong"),
        ([1], "invalid"),
        ("text", "invalid"),
    ],
)
def test_a_refused_change_changes_nothing(
    people: Any, client_of: Clients, body: Any, code: str
) -> None:
    before = User.objects.values().get(pk=people.owner.pk)
    answer = client_of(people.owner).patch(ME, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert User.objects.values().get(pk=people.owner.pk) == before


def test_a_ticket_carries_what_the_stream_must_know(people: Any, client_of: Clients) -> None:
    User.objects.filter(pk=people.adviser.pk).update(active_trader=True)
    body = client_of(people.adviser).post("/api/v1/auth/stream-ticket").json()
    assert body["expires_in"] == 30
    assert body["url"] == "ws://testserver:8001/ws/v1/stream"
    key = f"ticket:{body['ticket']}"
    assert 0 < redis_client().ttl(key) <= 30
    family = TokenFamily.objects.get(user=people.adviser)
    people.adviser.refresh_from_db()
    assert json.loads(redis_client().get(key) or "") == {
        "user_id": people.adviser.pk,
        "household_ids": [people.adviser.household_id, people.owner.household_id],
        "epoch": people.adviser.access_epoch,
        "family": str(family.pk),
        "tier": "active",
    }


def test_without_redis_there_is_no_ticket_and_the_answer_says_so(
    people: Any, client_of: Clients, settings: Any
) -> None:
    api = client_of(people.owner)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = api.post("/api/v1/auth/stream-ticket")
    assert (answer.status_code, answer.json()["code"]) == (503, "cache_unavailable")
    assert answer["Retry-After"] == "2"
