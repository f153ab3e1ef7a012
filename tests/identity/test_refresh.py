"""Refresh tokens: one use, one winner, and a family that dies when two hold it."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from rest_framework.test import APIClient

from identity.authentication import token_key
from identity.models import Household, TokenFamily, User
from identity.operations import refresh_tokens, users
from identity.operations.refresh_tokens import TokenReused
from identity.token_signing import TokenRefused

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user(
        email="owner@ballast.example",
        password=None,
        household=Household.objects.create(name="Home"),
    )


def _start(user: User) -> str:
    return refresh_tokens.start(user=user, key=token_key(), now=NOW).refresh


def _rotate(token: str, *, days: float = 0) -> str:
    return refresh_tokens.rotate(
        token=token, key=token_key(), now=NOW + timedelta(days=days)
    ).refresh


def test_a_refresh_token_is_replaced_by_the_next(user: User) -> None:
    first = _start(user)
    second = _rotate(first)
    third = _rotate(second)
    assert len({first, second, third}) == 3
    assert TokenFamily.objects.get().serial == 3


def test_an_old_token_kills_the_family_and_is_written_down(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    first = _start(user)
    second = _rotate(first)
    with caplog.at_level(logging.WARNING), pytest.raises(TokenReused) as refusal:
        _rotate(first)
    assert (refusal.value.status, refusal.value.code) == (401, "token_reused")
    family = TokenFamily.objects.get()
    assert (family.revoked_at, family.revoked_reason) == (NOW, "reused")
    assert (
        f"refresh token used twice, session ended: user {user.pk}, "
        f"family {family.pk}, serial 1 of 2" in caplog.text
    )
    with pytest.raises(TokenRefused) as second_refusal:
        _rotate(second)
    assert second_refusal.value.code == "token_revoked"
    assert TokenFamily.objects.get().serial == 2


def test_another_log_in_survives_the_death_of_the_first(user: User) -> None:
    first, other = _start(user), _start(user)
    _rotate(first)
    with pytest.raises(TokenReused):
        _rotate(first)
    assert _rotate(other)


def test_a_refresh_token_lives_thirty_days_from_its_rotation(user: User) -> None:
    token = _rotate(_start(user), days=29)
    assert _rotate(token, days=58)
    with pytest.raises(TokenRefused) as refusal:
        _rotate(_start(user), days=30)
    assert refusal.value.code == "token_expired"


def test_rotation_cannot_prolong_a_log_in_for_ever(user: User) -> None:
    token = _start(user)
    for days in (29, 58, 87):
        token = _rotate(token, days=days)
    with pytest.raises(TokenRefused) as refusal:
        _rotate(token, days=90)
    assert refusal.value.code == "token_expired"


@pytest.mark.parametrize("case", ["deleted", "closed", "moved on"])
def test_a_user_who_is_gone_cannot_refresh(user: User, case: str) -> None:
    token = _start(user)
    if case == "deleted":
        user.delete()
    elif case == "closed":
        User.objects.update(is_active=False)
    else:
        User.objects.update(token_version=2)
    with time_machine.travel(NOW, tick=False):
        answer = APIClient().post("/api/v1/auth/token/refresh", {"refresh": token})
    assert answer.status_code == 401
    assert answer.json()["code"] in {"account_closed", "token_revoked"}
    assert not TokenFamily.objects.filter(serial__gt=1).exists()


@pytest.mark.parametrize(
    "body", [{}, {"refresh": ""}, {"refresh": "x" * 2001}, {"refresh": 5, "a": 1}]
)
def test_a_refresh_without_a_token_is_a_bad_request(db: None, body: dict[str, Any]) -> None:
    assert APIClient().post("/api/v1/auth/token/refresh", body).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_of_racing_refreshes_exactly_one_wins_and_the_family_dies() -> None:
    household = Household.objects.create(name="Home")
    user = User.objects.create_user(email="o@b.example", password=None, household=household)
    token = _start(user)
    racers = 8
    line = threading.Barrier(racers)
    outcomes: list[str] = []

    def race() -> None:
        try:
            line.wait(10)
            outcomes.append("won" if _rotate(token) else "")
        except TokenRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    counts = Counter(outcomes)
    assert counts["won"] == 1
    assert counts["token_reused"] == 1
    assert counts["token_revoked"] == racers - 2
    family = TokenFamily.objects.get()
    assert (family.serial, family.revoked_reason) == (2, "reused")


@pytest.mark.django_db(transaction=True)
def test_the_winner_of_a_race_loses_his_access_token_too(
    log_in: Callable[..., APIClient],
) -> None:
    household = Household.objects.create(name="Home")
    user = User.objects.create_user(email="o@b.example", password=None, household=household)
    body = {"refresh": log_in(user).tokens["refresh"]}  # type: ignore[attr-defined]
    won = APIClient().post("/api/v1/auth/token/refresh", body).json()
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {won['access']}")
    assert api.get("/api/v1/users/me").status_code == 200
    reused = APIClient().post("/api/v1/auth/token/refresh", body)
    assert (reused.status_code, reused.json()["code"]) == (401, "token_reused")
    assert api.get("/api/v1/users/me").json()["code"] == "token_revoked"


def test_the_row_is_locked_before_it_is_read(user: User, django_assert_num_queries: Any) -> None:
    token = _start(user)
    with django_assert_num_queries(4) as captured:  # savepoint, lock, update, release
        _rotate(token)
    assert 'FOR NO KEY UPDATE OF "identity_tokenfamily"' in captured[1]["sql"]


def test_dead_families_are_swept_away(user: User) -> None:
    _start(user)
    assert refresh_tokens.forget_dead_families(now=NOW + timedelta(days=29)) == 0
    assert refresh_tokens.forget_dead_families(now=NOW + timedelta(days=31)) == 1
    users.end_everything(user_id=user.pk, now=NOW)
