"""Logging in, staying in, getting out."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from rest_framework.test import APIClient

from identity.models import TokenFamily, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def _token(email: str, password: str = PASSWORD, **more: Any) -> Any:
    body = {"email": email, "password": password, **more}
    return APIClient().post("/api/v1/auth/token", body)


@pytest.fixture
def owner(people: Any) -> User:
    people.owner.set_password(PASSWORD)
    people.owner.save()
    found: User = people.owner
    return found


def test_a_log_in_gives_a_pair(owner: User) -> None:
    answer = _token(" Owner@Ballast.Example ")
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh", "expires_in"}
    assert answer.json()["expires_in"] == 900
    assert TokenFamily.objects.get().user == owner
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("case", ["wrong password", "unknown e-mail", "closed", "no password"])
def test_every_failed_log_in_looks_the_same(owner: User, case: str) -> None:
    email, password = owner.email, PASSWORD
    if case == "wrong password":
        password = "wrong"
    elif case == "unknown e-mail":
        email = "nobody@ballast.example"
    elif case == "closed":
        User.objects.filter(pk=owner.pk).update(is_active=False)
    else:
        User.objects.filter(pk=owner.pk).update(password=make_password(None))
    answer = _token(email, password)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (401, "credentials_invalid")
    assert body["detail"] == "The e-mail address or the password is wrong. Check both."
    assert not TokenFamily.objects.exists()


def test_an_unknown_email_costs_one_hash_like_a_wrong_password(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    for name in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, name)

        def counting(*args: Any, _real: Any = real) -> Any:
            hashed.append("one")
            return _real(*args)

        monkeypatch.setattr(Argon2PasswordHasher, name, counting)
    for email in (owner.email, "nobody@ballast.example"):
        hashed.clear()
        assert _token(email, "wrong").status_code == 401
        assert hashed == ["one"], email


def _guess(owner: User, *, tries: int) -> list[int]:
    """Wrong passwords, each from another address."""
    return [
        APIClient()
        .post(
            "/api/v1/auth/token",
            {"email": owner.email, "password": "wrong"},
            REMOTE_ADDR=f"10.0.0.{index}",
        )
        .status_code
        for index in range(tries)
    ]


def test_guessing_is_refused_for_one_address_of_mail_from_everywhere(owner: User) -> None:
    assert _guess(owner, tries=11) == [401] * 10 + [429]
    # From a device that is not known, the right password is not even looked at now.
    answer = _token(owner.email)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert not TokenFamily.objects.exists()


def test_strangers_who_guess_do_not_lock_the_owner_out(owner: User, client: Any) -> None:
    credentials = {"email": owner.email, "password": PASSWORD}

    def from_home() -> int:
        answer = APIClient().post("/api/v1/auth/token", credentials, REMOTE_ADDR="192.0.2.1")
        return int(answer.status_code)

    assert from_home() == 200
    assert client.post("/login", credentials, REMOTE_ADDR="192.0.2.2").status_code == 302
    assert client.post("/logout").status_code == 302
    assert _guess(owner, tries=12)[-1] == 429
    # The address is known from the log-in of the API, the browser by its cookie anywhere.
    assert from_home() == 200
    assert client.post("/login", credentials, REMOTE_ADDR="198.51.100.7").status_code == 302


def test_a_known_device_may_guess_no_more_often_than_strangers(owner: User, client: Any) -> None:
    right = {"email": owner.email, "password": PASSWORD}
    assert client.post("/login", right).status_code == 302
    assert client.post("/logout").status_code == 302
    wrong = {**right, "password": "wrong"}
    answers = [client.post("/login", wrong).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    assert client.post("/login", right).status_code == 429


def test_a_device_is_known_for_its_own_user_only(people: Any, owner: User, client: Any) -> None:
    assert client.post("/login", {"email": owner.email, "password": PASSWORD}).status_code == 302
    assert client.post("/logout").status_code == 302
    _guess(people.spouse, tries=10)
    answer = client.post(
        "/login", {"email": people.spouse.email, "password": "wrong"}, REMOTE_ADDR="192.0.2.9"
    )
    assert answer.status_code == 429
    known = client.cookies["ballast_device"].value
    client.cookies["ballast_device"] = known[:-1] + ("A" if known[-1] != "A" else "B")
    _guess(owner, tries=10)
    answer = client.post(
        "/login", {"email": owner.email, "password": "wrong"}, REMOTE_ADDR="192.0.2.9"
    )
    assert answer.status_code == 429


def test_the_people_of_the_demo_come_in_nowhere_else(
    people: Any, settings: Any, client: Any
) -> None:
    settings.DEMO = True
    user = User.objects.create_user(
        email="someone@elsewhere.example",
        password=PASSWORD,
        household=people.owner.household,
        is_demo=True,
    )
    right = {"email": user.email, "password": PASSWORD}
    pair = _token(user.email).json()
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert api.get("/api/v1/users/me").status_code == 200
    assert client.post("/login", right).status_code == 302
    assert client.get("/api/v1/users/me").status_code == 200

    settings.DEMO = False
    refused = _token(user.email)
    assert (refused.status_code, refused.json()["code"]) == (401, "credentials_invalid")
    assert api.get("/api/v1/users/me").json()["code"] == "account_closed"
    answer = APIClient().post("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]})
    assert answer.json()["code"] == "account_closed"
    assert client.get("/api/v1/users/me").status_code == 401
    assert client.post("/login", right).status_code == 401


def test_a_token_opens_the_profile_and_a_wrong_one_does_not(
    people: Any, log_in: Callable[..., APIClient]
) -> None:
    api = log_in(people.owner)
    assert api.get("/api/v1/users/me").json()["email"] == people.owner.email
    for header, code in [
        ("", "not_authenticated"),
        ("Bearer ", "token_invalid"),
        ("Bearer nonsense", "token_invalid"),
        ("Basic b3duZXI6", "not_authenticated"),
    ]:
        answer = APIClient().get("/api/v1/users/me", HTTP_AUTHORIZATION=header)
        assert (answer.status_code, answer.json()["code"]) == (401, code), header
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_an_access_token_ends_after_fifteen_minutes(
    people: Any, log_in: Callable[..., APIClient]
) -> None:
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        api = log_in(people.owner)
        clock.shift(899)
        assert api.get("/api/v1/users/me").status_code == 200
        clock.shift(1)
        assert api.get("/api/v1/users/me").json()["code"] == "token_expired"


def test_logging_out_ends_this_log_in_at_once_and_no_other(
    people: Any, log_in: Callable[..., APIClient], django_capture_on_commit_callbacks: Any
) -> None:
    here, there = log_in(people.owner), log_in(people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        assert here.post("/api/v1/auth/logout", {}).status_code == 204
    assert here.get("/api/v1/users/me").json()["code"] == "token_revoked"
    refresh = {"refresh": here.tokens["refresh"]}  # type: ignore[attr-defined]
    answer = APIClient().post("/api/v1/auth/token/refresh", refresh)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    assert there.get("/api/v1/users/me").status_code == 200


@pytest.mark.parametrize("how", ["logout everywhere", "password"])
def test_every_log_in_ends_at_once(
    people: Any,
    log_in: Callable[..., APIClient],
    django_capture_on_commit_callbacks: Any,
    how: str,
) -> None:
    here, there = log_in(people.owner), log_in(people.owner)
    other = log_in(people.spouse)
    assert there.get("/api/v1/users/me").status_code == 200  # remembered now
    with django_capture_on_commit_callbacks(execute=True):
        if how == "password":
            body = {"current_password": PASSWORD, "new_password": "another horse battery"}
            answer = here.post("/api/v1/auth/password", body)
        else:
            answer = here.post("/api/v1/auth/logout-everywhere")
        assert answer.status_code == 204
    for api in (here, there):
        assert api.get("/api/v1/users/me").json()["code"] == "token_revoked"
        refresh = {"refresh": api.tokens["refresh"]}  # type: ignore[attr-defined]
        assert APIClient().post("/api/v1/auth/token/refresh", refresh).status_code == 401
    assert other.get("/api/v1/users/me").status_code == 200
    assert set(TokenFamily.objects.filter(user=people.owner).values_list("revoked_reason")) == {
        ("everywhere",)
    }


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [("wrong", "another horse battery", "password_wrong"), (PASSWORD, "short", "password_weak")],
)
def test_a_refused_password_change_changes_nothing(
    people: Any, log_in: Callable[..., APIClient], current: str, new: str, code: str
) -> None:
    api = log_in(people.owner)
    before = User.objects.values().get(pk=people.owner.pk)
    body = {"current_password": current, "new_password": new}
    answer = api.post("/api/v1/auth/password", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert User.objects.values().get(pk=people.owner.pk) == before
    assert api.get("/api/v1/users/me").status_code == 200
