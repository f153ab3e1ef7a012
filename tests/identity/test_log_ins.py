"""The list of log-ins: what it shows, and that an ended one is out at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from identity.models import SecurityEvent, Session, TokenFamily
from identity.operations import refused_log_ins
from identity.operations.sessions import SessionStore, session_family
from jobs.models import Outbox
from stores import keys
from stores.redis import redis_client
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.django_db

LogIn = Callable[..., APIClient]
LIST = "/api/v1/auth/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


def browser(user: Any, address: str = "192.0.2.7") -> Client:
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    client = Client(REMOTE_ADDR=address, headers={"user-agent": FIREFOX})
    answer = client.post("/login", {"email": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def test_the_list_has_browsers_and_programs_and_marks_this_one(people: Any, log_in: LogIn) -> None:
    page = browser(people.owner)
    log_in(people.stranger)
    api = APIClient(headers={"user-agent": "curl/8.5"})
    pair = api.post(
        "/api/v1/auth/token", {"email": people.owner.email, "password": PASSWORD}
    ).json()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    body = api.get(LIST).json()
    assert body["total"] == 2
    rows = {row["kind"]: row for row in body["data"]}
    assert (rows["browser"]["device"], rows["browser"]["address"]) == (
        "Firefox on Linux",
        "192.0.2.7",
    )
    assert (rows["token"]["device"], rows["token"]["current"]) == ("curl/8.5", True)
    assert rows["browser"]["current"] is False
    assert all(row["last_used_at"] and row["created_at"] for row in body["data"])
    seen_from_the_page = {row["kind"]: row["current"] for row in page.get(LIST).json()["data"]}
    assert seen_from_the_page == {"browser": True, "token": False}
    # The key of the session is not in its id.
    key = Session.objects.get(user_id=people.owner.pk).session_key
    assert key not in str(body)


def test_an_ended_token_is_out_at_once_with_its_sockets(
    people: Any, log_in: LogIn, django_capture_on_commit_callbacks: Any
) -> None:
    here, there = log_in(people.owner), log_in(people.owner)
    assert there.get("/api/v1/users/me").status_code == 200  # remembered now
    other = next(row for row in here.get(LIST).json()["data"] if not row["current"])
    with django_capture_on_commit_callbacks(execute=True):
        assert here.delete(f"{LIST}/{other['id']}").status_code == 204
    assert there.get("/api/v1/users/me").json()["code"] == "token_revoked"
    refresh = {"refresh": there.tokens["refresh"]}  # type: ignore[attr-defined]
    assert APIClient().post("/api/v1/auth/token/refresh", refresh).status_code == 401
    assert redis_client().exists(keys.ended_family(other["id"]))
    assert here.get("/api/v1/users/me").status_code == 200
    assert TokenFamily.objects.get(pk=other["id"]).revoked_reason == "withdrawn"
    assert SecurityEvent.objects.filter(kind="log_in_ended", user=people.owner).count() == 1


def test_an_ended_browser_is_out_at_once_with_its_sockets(
    people: Any, log_in: LogIn, django_capture_on_commit_callbacks: Any
) -> None:
    page = browser(people.owner)
    api = APIClient()
    body = {"email": people.owner.email, "password": PASSWORD}
    pair = api.post("/api/v1/auth/token", body).json()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    key = page.cookies["ballast_session"].value
    assert page.get("/settings/security").status_code == 200  # copied to Redis now
    row = next(row for row in api.get(LIST).json()["data"] if row["kind"] == "browser")
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"{LIST}/{row['id']}").status_code == 204
    assert page.get("/settings/security").status_code == 302
    assert page.get("/api/v1/users/me").status_code == 401
    assert redis_client().exists(keys.ended_family(session_family(key)))
    assert not Session.objects.filter(session_key=key).exists()


def test_a_session_that_ends_while_it_is_read_stays_ended(people: Any) -> None:
    page = browser(people.owner)
    key = page.cookies["ballast_session"].value
    slow = SessionStore(key)
    real = slow._get_session_from_db  # type: ignore[attr-defined]

    def ended_in_between() -> Any:
        row = real()
        SessionStore(key).delete()
        return row

    SessionStore(key)._cache.delete(slow.cache_key)
    slow._get_session_from_db = ended_in_between  # type: ignore[attr-defined]
    assert slow.load() == {}
    assert SessionStore(key).load() == {}


def test_strangers_end_nothing(people: Any, log_in: LogIn) -> None:
    log_in(people.owner)
    browser(people.owner)
    family = TokenFamily.objects.get(user=people.owner)
    session = Session.objects.get(user_id=people.owner.pk)
    for person in (people.stranger, people.spouse, people.adviser):
        api = log_in(person)
        for name in (str(family.pk), session.family.removeprefix("session-")):
            answer = api.delete(f"{LIST}/{UUID(name)}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    family.refresh_from_db()
    assert family.revoked_at is None
    assert Session.objects.filter(pk=session.pk).exists()


def test_all_others_end_and_this_one_stays(
    people: Any, log_in: LogIn, django_capture_on_commit_callbacks: Any
) -> None:
    elsewhere, page = browser(people.owner, "192.0.2.8"), Client(headers={"user-agent": FIREFOX})
    body = {"email": people.owner.email, "password": PASSWORD}
    assert page.post("/login", body).status_code == 302
    assert elsewhere.get("/settings/security").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        answer = page.post("/settings/security/log-ins", {"log_in": "others"})
    assert answer.status_code == 302
    assert page.get("/settings/security").status_code == 200
    assert elsewhere.get("/settings/security").status_code == 302
    assert Session.objects.filter(user_id=people.owner.pk).count() == 1


def test_a_new_device_is_told_by_mail_and_a_known_one_is_not(people: Any) -> None:
    def kinds() -> list[str]:
        return list(Outbox.objects.order_by("id").values_list("payload__kind", flat=True))

    page = browser(people.owner)
    assert kinds() == [], "the first log-in of all"
    page.post("/logout")
    assert page.post("/login", {"email": people.owner.email, "password": PASSWORD})
    assert kinds() == []
    body = {"email": people.owner.email, "password": PASSWORD}
    APIClient().post("/api/v1/auth/token", body, REMOTE_ADDR="198.51.100.4")
    assert kinds() == ["new_device"]
    payload = Outbox.objects.get().payload
    assert (payload["user_id"], payload["address"]) == (
        str(people.owner.public_id),
        "198.51.100.4",
    )
    APIClient().post("/api/v1/auth/token", body, REMOTE_ADDR="198.51.100.4")
    assert kinds() == ["new_device"]


def test_refused_tries_are_told_once_a_day_and_make_the_next_new_device_strange(
    people: Any,
) -> None:
    def kinds() -> list[str]:
        return list(Outbox.objects.order_by("id").values_list("payload__kind", flat=True))

    def attempt(email: str, password: str, address: str) -> int:
        body = {"email": email, "password": password}
        return int(APIClient().post("/api/v1/auth/token", body, REMOTE_ADDR=address).status_code)

    browser(people.owner)
    for email in (people.owner.email, "nobody@b.example"):
        answers = [attempt(email, "wrong", f"198.51.100.{number}") for number in range(20)]
        assert 429 in answers
    assert kinds() == [], "nothing is looked up while the caller waits"
    now = timezone.now()
    assert refused_log_ins.tell_refused(now=now) == 1
    assert kinds() == ["log_ins_refused"]
    refused_log_ins.remember_refused(email=people.owner.email)
    assert refused_log_ins.tell_refused(now=now) == 0
    with time_machine.travel(now + timedelta(minutes=5)):
        assert attempt(people.owner.email, PASSWORD, "203.0.113.9") == 200
    assert kinds() == ["log_ins_refused", "strange_log_in"]


def test_the_trail_cannot_be_changed_or_deleted(people: Any, log_in: LogIn) -> None:
    log_in(people.owner)
    event = SecurityEvent.objects.get(user=people.owner, kind="log_in")
    for attempt in (
        lambda: SecurityEvent.objects.filter(pk=event.pk).update(kind="nothing"),
        lambda: SecurityEvent.objects.filter(pk=event.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert SecurityEvent.objects.filter(pk=event.pk, kind="log_in").exists()
