"""Sessions of the pages: they slide, they end, and the API takes them with a CSRF token only."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.test import Client
from django.urls import include, path

import identity.api
from identity.middleware import begin_session
from identity.models import Session, User
from identity.operations import users

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

START = "2026-01-05T12:00:00Z"
BACKEND = "identity.authentication.PasswordBackend"


def enter(request: HttpRequest) -> HttpResponse:
    login(request, User.objects.get(email="owner@ballast.example"), backend=BACKEND)
    begin_session(request)
    return HttpResponse(get_token(request))


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user))


urlpatterns = [
    path("enter", enter),
    path("who", who),
    path("api/v1/", include(identity.api.urlpatterns)),
]


def _who(client: Client) -> str:
    return client.get("/who").content.decode()


def test_a_session_slides_with_use_and_ends_without(people: Any, settings: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        used, left = Client(), Client()
        used.get("/enter")
        left.get("/enter")
        for _ in range(3):
            clock.shift(timedelta(days=7))
            assert _who(used) == "owner@ballast.example"
        cache.clear()  # Redis counts real time; its copies live five minutes of it
        assert _who(left) == "AnonymousUser"


def test_a_session_ends_for_good_thirty_days_after_the_log_in(people: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = Client()
        client.get("/enter")
        for _ in range(29):
            clock.shift(timedelta(days=1))
            assert _who(client) == "owner@ballast.example"
        clock.shift(timedelta(days=1))
        assert _who(client) == "AnonymousUser"
        assert not Session.objects.exists()


def test_a_session_in_use_is_not_written_at_every_request(
    people: Any, django_assert_num_queries: Any
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = Client()
        client.get("/enter")
        _who(client)
        clock.shift(timedelta(minutes=9))
        with django_assert_num_queries(1):  # the user; the session's copy is in Redis
            answer = client.get("/who")
        assert "ballast_session" not in answer.cookies
        clock.shift(timedelta(minutes=2))
        assert "ballast_session" in client.get("/who").cookies


def test_logging_out_everywhere_ends_the_pages_too(people: Any) -> None:
    client, spouse = Client(), Client()
    client.get("/enter")
    spouse.force_login(people.spouse, backend=BACKEND)
    assert _who(client) == "owner@ballast.example"
    users.end_everything(user_id=people.owner.pk, now=people.owner.created_at)
    assert _who(client) == "AnonymousUser"
    assert _who(spouse) == "spouse@ballast.example"


def test_a_closed_account_has_no_session(people: Any) -> None:
    client = Client()
    client.get("/enter")
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    assert _who(client) == "AnonymousUser"


def test_pages_work_while_redis_is_away(people: Any, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client = Client()
    client.get("/enter")
    assert _who(client) == "owner@ballast.example"
    client.logout()
    assert _who(client) == "AnonymousUser"


def test_a_logged_out_session_does_not_live_on_in_redis(people: Any) -> None:
    client, thief = Client(), Client()
    client.get("/enter")
    thief.cookies["ballast_session"] = client.cookies["ballast_session"].value
    assert _who(thief) == "owner@ballast.example"
    client.logout()
    assert _who(thief) == "AnonymousUser"


def test_the_api_takes_a_session_for_reading(people: Any) -> None:
    client = Client()
    client.get("/enter")
    assert client.get("/api/v1/users/me").json()["email"] == "owner@ballast.example"


@pytest.mark.parametrize("header", [None, "wrong", "x" * 64])
def test_the_api_takes_no_change_from_a_session_without_its_csrf_token(
    people: Any, header: str | None
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/enter")
    headers = {} if header is None else {"X-CSRFToken": header}
    answer = client.patch(
        "/api/v1/users/me", {"full_name": "x"}, content_type="application/json", headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    people.owner.refresh_from_db()
    assert people.owner.full_name == ""


def test_the_api_takes_a_change_with_the_csrf_token(people: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/enter").content.decode()
    answer = client.patch(
        "/api/v1/users/me",
        {"full_name": "Owner"},
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    assert answer.status_code == 200, answer.content


def test_an_expired_session_is_401_for_programs(people: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = Client()
        client.get("/enter")
        clock.shift(timedelta(days=31))
        answer = client.get("/api/v1/users/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_header_does_not_get_an_old_session_past_its_end(people: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = Client()
        client.get("/enter")
        for _ in range(29):
            clock.shift(timedelta(days=1))
            _who(client)
        clock.shift(timedelta(days=1, hours=-1))
        _who(client)
        clock.shift(timedelta(hours=2))
        answer = client.get("/api/v1/users/me", headers={"Authorization": "Basic eDp5"})
        assert answer.status_code == 401


def test_a_page_request_needs_no_token_and_an_api_request_no_session(people: Any) -> None:
    assert _who(Client()) == "AnonymousUser"
    assert Client().get("/api/v1/users/me").status_code == 401
