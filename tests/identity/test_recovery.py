"""Forgotten passwords and links in mails: once, in time, raced, and silent about who is here."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from core.errors import BallastError
from identity.models import MailLink, ResetRequest, SecurityEvent, TokenFamily, User
from identity.operations import email_addresses, mail_links, recovery
from identity.origins import Origin
from jobs.models import Outbox
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.django_db

LogIn = Callable[..., APIClient]
NEW = "a wholly new passphrase"
HERE = Origin("192.0.2.1", "Firefox on Linux")


def ask(email: str) -> Any:
    return APIClient().post("/api/v1/auth/password-reset", {"email": email})


def mailed() -> str:
    """Return the token as the sender of the newest mail computes it."""
    payload = Outbox.objects.filter(topic="security").latest("id").payload
    finders = {
        "password_reset": mail_links.password_reset_path,
        "verify_email": mail_links.verify_email_path,
    }
    path = finders[payload["kind"]](payload=payload, now=timezone.now())
    assert path is not None
    return path.rpartition("/")[2]


def asked(user: User) -> str:
    assert ask(user.email).status_code == 202
    assert recovery.answer_reset_requests(now=timezone.now()) == 1
    return mailed()


def confirm(token: str, password: str = NEW) -> Any:
    body = {"token": token, "new_password": password}
    return APIClient().post("/api/v1/auth/password-reset/confirm", body)


def test_a_reset_sets_the_password_and_ends_every_log_in(
    people: Any, log_in: LogIn, client: Any, django_capture_on_commit_callbacks: Any
) -> None:
    api, other = log_in(people.owner), log_in(people.spouse)
    client.force_login(people.owner)
    token = asked(people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        assert confirm(token).status_code == 204
    assert api.get("/api/v1/users/me").json()["code"] == "token_revoked"
    assert client.get("/settings/security").status_code == 302
    assert other.get("/api/v1/users/me").status_code == 200
    people.owner.refresh_from_db()
    assert people.owner.check_password(NEW)
    assert people.owner.email_verified_at is not None
    kinds = list(Outbox.objects.order_by("id").values_list("payload__kind", flat=True))
    assert kinds == ["password_reset", "password_changed"]


def test_a_link_works_once(people: Any) -> None:
    token = asked(people.owner)
    assert confirm(token).status_code == 204
    second = confirm(token, "yet another passphrase")
    assert (second.status_code, second.json()["code"]) == (400, "link_invalid")
    people.owner.refresh_from_db()
    assert people.owner.check_password(NEW)


def test_a_link_ends_after_an_hour(people: Any) -> None:
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        token = asked(people.owner)
        clock.shift(timedelta(hours=1))
        late = confirm(token)
        assert (late.status_code, late.json()["code"]) == (400, "link_invalid")
    people.owner.refresh_from_db()
    assert not people.owner.check_password(NEW)


def test_a_weak_password_is_refused_and_leaves_the_link(people: Any) -> None:
    token = asked(people.owner)
    for weak in ("short", "password1234", "owner@ballast.example"):
        answer = confirm(token, weak)
        assert (answer.status_code, answer.json()["code"]) == (400, "password_weak"), weak
    assert MailLink.objects.get().used_at is None
    assert confirm(token).status_code == 204


@pytest.mark.parametrize("case", ["signature", "other link", "no token", "unknown", "purpose"])
def test_a_forged_link_opens_nothing(people: Any, case: str) -> None:
    token = asked(people.owner)
    name, _, signature = token.partition(".")
    if case == "signature":
        token = f"{name}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}"
    elif case == "other link":
        token = f"{name}.{asked(people.stranger).partition('.')[2]}"
    elif case == "no token":
        token = name
    elif case == "unknown":
        token = f"{'0' * 32}.{signature}"
    else:
        email_addresses.begin_verification(user=people.owner, now=timezone.now())
        token = mailed()
    answer = confirm(token)
    assert (answer.status_code, answer.json()["code"]) == (400, "link_invalid")
    assert not MailLink.objects.filter(used_at__isnull=False).exists()
    people.owner.refresh_from_db()
    assert not people.owner.check_password(NEW)


def test_a_closed_account_is_opened_by_no_link(people: Any) -> None:
    token = asked(people.owner)
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    assert confirm(token).json()["code"] == "link_invalid"
    ask(people.owner.email)
    assert recovery.answer_reset_requests(now=timezone.now()) == 0


def test_a_request_says_the_same_about_known_and_unknown_addresses(
    people: Any, django_capture_on_commit_callbacks: Any
) -> None:
    User.objects.filter(pk=people.stranger.pk).update(is_active=False)
    seen = {}
    for email in (people.owner.email, "nobody@ballast.example", people.stranger.email):
        with (
            CaptureQueriesContext(connection) as captured,
            django_capture_on_commit_callbacks(execute=True) as callbacks,
        ):
            answer = ask(email)
        statements = [
            re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in captured.captured_queries
        ]
        body = {**answer.json(), "email": "?"}
        seen[email] = (answer.status_code, body, statements, len(callbacks))
    first, *others = seen.values()
    assert first[0] == 202
    assert others == [first, first]
    assert recovery.answer_reset_requests(now=timezone.now()) == 1
    assert Outbox.objects.get().payload["user_id"] == str(people.owner.public_id)
    assert recovery.answer_reset_requests(now=timezone.now()) == 0


def test_nothing_that_is_stored_opens_a_link(people: Any) -> None:
    token = asked(people.owner)
    name, _, signature = token.partition(".")
    stored = str(list(Outbox.objects.values())) + str(list(MailLink.objects.values()))
    stored += str(list(ResetRequest.objects.values())) + str(list(SecurityEvent.objects.values()))
    assert signature not in stored
    assert PASSWORD not in stored


def test_a_stranger_who_asks_again_does_not_void_the_mailed_link(people: Any) -> None:
    first = asked(people.owner)
    ask(people.owner.email)
    recovery.answer_reset_requests(now=timezone.now())
    assert mailed() == first
    assert MailLink.objects.count() == 1


def test_asking_is_bounded_for_one_address_of_mail(people: Any) -> None:
    answers = [
        APIClient()
        .post(
            "/api/v1/auth/password-reset",
            {"email": people.owner.email},
            REMOTE_ADDR=f"10.0.0.{number}",
        )
        .status_code
        for number in range(6)
    ]
    assert answers == [202] * 5 + [429]
    assert ResetRequest.objects.count() == 5


def test_a_link_that_is_no_longer_wanted_is_not_mailed(people: Any) -> None:
    asked(people.owner)
    payload, now = Outbox.objects.get().payload, timezone.now()
    assert mail_links.password_reset_path(payload=payload, now=now) is not None
    late = now + timedelta(hours=2)
    assert mail_links.password_reset_path(payload=payload, now=late) is None
    mail_links.close_links(user=people.owner, now=now)
    assert mail_links.password_reset_path(payload=payload, now=now) is None


def test_a_new_user_proves_the_address(client_of: Any) -> None:
    body = {"email": "new@ballast.example", "password": PASSWORD}
    assert APIClient().post("/api/v1/auth/register", body).status_code == 201
    user = User.objects.get(email="new@ballast.example")
    api = client_of(user)
    assert api.get("/api/v1/users/me").json()["email_verified_at"] is None
    token = mailed()
    answer = APIClient().post("/api/v1/auth/email-verification/confirm", {"token": token})
    assert (answer.status_code, answer.json()) == (200, {"email": "new@ballast.example"})
    assert api.get("/api/v1/users/me").json()["email_verified_at"] is not None
    again = APIClient().post("/api/v1/auth/email-verification/confirm", {"token": token})
    assert (again.status_code, again.json()["code"]) == (400, "link_invalid")
    count = Outbox.objects.count()
    assert api.post("/api/v1/auth/email-verification").status_code == 204
    assert Outbox.objects.count() == count, "a proved address needs no mail"


def test_a_new_address_counts_once_its_link_is_used(people: Any, log_in: LogIn) -> None:
    api = log_in(people.owner)
    body = {"email": "Moved@b.example", "current_password": PASSWORD}
    changed = api.patch("/api/v1/users/me", body).json()
    assert (changed["email"], changed["pending_email"]) == (
        "owner@ballast.example",
        "moved@b.example",
    )
    assert Outbox.objects.latest("id").payload["to"] == "moved@b.example"
    token = mailed()
    reset = asked(people.owner)
    answer = APIClient().post("/api/v1/auth/email-verification/confirm", {"token": token})
    assert answer.json() == {"email": "moved@b.example"}
    people.owner.refresh_from_db()
    assert people.owner.email == "moved@b.example"
    told = Outbox.objects.latest("id").payload
    assert (told["kind"], told["to"]) == ("email_changed", "owner@ballast.example")
    # A link that is still in the old mailbox is void.
    assert confirm(reset).json()["code"] == "link_invalid"


def test_a_new_password_voids_the_links_asked_for_with_the_old_one(
    people: Any, log_in: LogIn
) -> None:
    api = log_in(people.owner)
    body = {"email": "thief@b.example", "current_password": PASSWORD}
    assert api.patch("/api/v1/users/me", body).status_code == 200
    change, reset = mailed(), asked(people.owner)
    new = {"current_password": PASSWORD, "new_password": NEW}
    assert api.post("/api/v1/auth/password", new).status_code == 204
    answer = APIClient().post("/api/v1/auth/email-verification/confirm", {"token": change})
    assert answer.json()["code"] == "link_invalid"
    assert confirm(reset, "the passphrase of a thief").json()["code"] == "link_invalid"
    people.owner.refresh_from_db()
    assert people.owner.email == "owner@ballast.example"
    assert people.owner.check_password(NEW)


def test_a_link_to_an_address_that_an_operator_replaced_opens_nothing(people: Any) -> None:
    token = asked(people.owner)
    User.objects.filter(pk=people.owner.pk).update(email="moved@b.example")
    assert confirm(token).json()["code"] == "link_invalid"
    people.owner.refresh_from_db()
    assert not people.owner.check_password(NEW)


def test_a_taken_address_is_refused_only_to_its_own_mailbox(people: Any, log_in: LogIn) -> None:
    api = log_in(people.owner)
    free = api.patch("/api/v1/users/me", {"email": "f@b.example", "current_password": PASSWORD})
    body = {"email": people.stranger.email, "current_password": PASSWORD}
    taken = api.patch("/api/v1/users/me", body)
    assert taken.status_code == free.status_code == 200
    assert set(taken.json()) == set(free.json())
    answer = APIClient().post("/api/v1/auth/email-verification/confirm", {"token": mailed()})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_unavailable")
    people.owner.refresh_from_db()
    assert people.owner.email == "owner@ballast.example"


def test_old_links_and_requests_are_deleted(people: Any) -> None:
    asked(people.owner)
    later = timezone.now() + timedelta(days=40)
    assert mail_links.forget_old_links(now=later) == 1
    assert recovery.forget_old_requests(now=later) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_race_with_one_link_one_wins(people: Any) -> None:
    token = asked(people.owner)
    start, answers = threading.Barrier(2), []

    def use(password: str) -> None:
        start.wait()
        try:
            recovery.reset_password(
                token=token, new_password=password, now=timezone.now(), origin=HERE
            )
            answers.append("set")
        except BallastError as refusal:
            answers.append(refusal.code)
        finally:
            connection.close()

    rivals = [threading.Thread(target=use, args=(f"{NEW} {n}",)) for n in range(2)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(timeout=30)
    assert sorted(answers) == ["link_invalid", "set"]
    assert SecurityEvent.objects.filter(kind="password_changed").count() == 1
    assert not TokenFamily.objects.filter(user=people.owner, revoked_at=None).exists()
