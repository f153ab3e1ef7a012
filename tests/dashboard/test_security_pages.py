"""The security page and the pages of recovery, as a browser meets them."""

import logging
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from identity.models import Authenticator, MailLink, Session, User
from identity.one_time_passwords import STEP_S, code_at
from identity.operations import email_addresses, mail_links, recovery
from jobs.models import Outbox

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
START = "2026-01-05T12:00:00Z"


@pytest.fixture
def owner(people: Any) -> Any:
    people.owner.set_password(PASSWORD)
    people.owner.save(update_fields=["password"])
    return people.owner


def enter(user: Any) -> Client:
    client = Client()
    assert client.post("/login", {"email": user.email, "password": PASSWORD}).status_code == 302
    return client


def code(secret: str) -> str:
    return code_at(secret=secret, step=int(timezone.now().timestamp()) // STEP_S)


def set_up(client: Client) -> tuple[str, list[str]]:
    assert client.post("/settings/security/totp")["Location"] == "/settings/security/totp"
    page = client.get("/settings/security/totp").content.decode()
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found, page
    assert "<svg" in page
    secret = found[1].replace(" ", "")
    done = client.post("/settings/security/totp", {"code": code(secret)})
    assert done.status_code == 200
    codes = re.findall(r"<li><code>([a-z0-9-]+)</code>", done.content.decode())
    return secret, codes


def mailed() -> str:
    payload = Outbox.objects.filter(topic="security").latest("id").payload
    find = {
        "password_reset": mail_links.password_reset_path,
        "verify_email": mail_links.verify_email_path,
    }[payload["kind"]]
    path = find(payload=payload, now=timezone.now())
    assert path
    return path


def test_the_log_in_asks_for_the_second_factor(owner: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, codes = set_up(enter(owner))
        assert len(codes) == 10
        clock.shift(timedelta(minutes=2))
        client = Client()
        first = client.post(
            "/login", {"email": owner.email, "password": PASSWORD, "next": "/settings"}
        )
        assert first["Location"] == "/login/second?next=%2Fsettings"
        # Half way in is not in.
        assert client.get("/settings").status_code == 302
        assert client.get("/api/v1/users/me").status_code == 401
        assert client.get(first["Location"]).status_code == 200
        wrong = client.post("/login/second", {"code": "000000", "next": "/settings"})
        assert wrong.status_code == 401
        assert client.get("/settings").status_code == 302
        key = client.cookies["ballast_session"].value
        right = client.post("/login/second", {"code": code(secret), "next": "/settings"})
        assert right["Location"] == "/settings"
        assert client.get("/settings").status_code == 200
        assert client.cookies["ballast_session"].value != key, "a new key after the log-in"


def test_a_recovery_code_opens_the_pages_once(owner: Any) -> None:
    _, codes = set_up(enter(owner))
    for status in (302, 401):
        client = Client()
        client.post("/login", {"email": owner.email, "password": PASSWORD})
        assert client.post("/login/second", {"code": codes[0]}).status_code == status


def test_the_second_step_is_not_reached_without_the_first(owner: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, _ = set_up(enter(owner))
        clock.shift(timedelta(minutes=2))
        answer = Client().post("/login/second", {"code": code(secret)})
        assert answer["Location"] == "/login"
        client = Client()
        client.post("/login", {"email": owner.email, "password": PASSWORD})
        clock.shift(timedelta(seconds=301))
        assert client.post("/login/second", {"code": code(secret)})["Location"] == "/login"
        client.post("/login", {"email": owner.email, "password": PASSWORD})
        owner.set_password("another passphrase of words")
        owner.save(update_fields=["password"])
        assert client.post("/login/second", {"code": code(secret)})["Location"] == "/login"


def test_an_act_that_needs_a_proof_asks_for_it(owner: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = enter(owner)
        secret, _ = set_up(client)
        clock.shift(timedelta(minutes=16))
        asked = client.post("/settings/security/totp/remove")
        assert asked["Location"] == "/settings/security/proof?next=%2Fsettings%2Fsecurity"
        assert Authenticator.objects.exists()
        assert client.get(asked["Location"]).status_code == 200
        wrong = client.post("/settings/security/proof", {"code": "000000"})
        assert wrong.status_code == 400
        assert client.post("/settings/security/totp/remove")["Location"] == asked["Location"]
        right = client.post(
            "/settings/security/proof", {"code": code(secret), "next": "https://evil.example"}
        )
        assert right["Location"] == "/settings/security"
        assert client.post("/settings/security/totp/remove")["Location"] == "/settings/security"
        assert not Authenticator.objects.exists()


def test_a_new_password_is_no_proof_where_a_second_factor_is(owner: Any) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client = enter(owner)
        set_up(client)
        clock.shift(timedelta(minutes=16))
        new = {"current_password": PASSWORD, "new_password": "another passphrase of words"}
        assert client.post("/settings/security/password", new).status_code == 302
        asked = client.post("/settings/security/totp/remove")
        assert asked["Location"] == "/settings/security/proof?next=%2Fsettings%2Fsecurity"
        assert Authenticator.objects.exists()


def test_the_page_lists_and_ends_log_ins(owner: Any) -> None:
    other, client = enter(owner), enter(owner)
    page = client.get("/settings/security").content.decode()
    assert page.count("127.0.0.1") >= 2
    names = re.findall(r'name="log_in" value="([0-9a-f-]{36})"', page)
    assert len(names) == 1
    assert client.post("/settings/security/log-ins", {"log_in": names[0]}).status_code == 302
    assert Session.objects.filter(user_id=owner.pk).count() == 1
    assert other.get("/settings").status_code == 302 or not Session.objects.filter(
        session_key=other.cookies["ballast_session"].value
    )
    gone = client.post("/settings/security/log-ins", {"log_in": names[0]})
    assert gone.status_code == 404
    assert client.post("/settings/security/log-ins", {"log_in": "x"}).status_code == 404


def test_a_new_password_keeps_this_browser_and_no_other(owner: Any) -> None:
    other, client = enter(owner), enter(owner)
    wrong = {"current_password": "wrong", "new_password": "another passphrase of words"}
    assert client.post("/settings/security/password", wrong).status_code == 400
    assert other.get("/settings").status_code == 200
    right = {**wrong, "current_password": PASSWORD}
    assert client.post("/settings/security/password", right).status_code == 302
    assert client.get("/settings").status_code == 200
    assert other.get("/settings").status_code == 302


def test_a_forgotten_password_is_set_by_the_mailed_link(
    owner: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[dict[str, Any]] = []
    log = SimpleNamespace(info=lambda _, **fields: lines.append(fields))
    monkeypatch.setattr("edge.middleware.access_log", log)
    client = Client()
    known = client.post("/forgotten", {"email": owner.email}).content.decode()
    unknown = client.post("/forgotten", {"email": "nobody@x.example"}).content.decode()
    assert known.replace(owner.email, "?") == unknown.replace("nobody@x.example", "?")
    recovery.answer_reset_requests(now=timezone.now())
    path = mailed()
    assert client.get(path)["Location"] == "/reset"
    assert client.get("/reset").status_code == 200
    assert MailLink.objects.get().used_at is None, "looking uses nothing up"
    assert client.post("/reset", {"new_password": "short"}).status_code == 400
    done = client.post("/reset", {"new_password": "another passphrase of words"})
    assert done["Location"] == "/login"
    assert client.post("/reset", {"new_password": "and one more phrase"}).status_code == 400
    owner.refresh_from_db()
    assert owner.check_password("another passphrase of words")
    assert path.rpartition(".")[2] not in caplog.text + str(lines)
    assert "/reset/..." in [line["path"] for line in lines]


def test_an_address_is_proved_by_a_button_and_not_by_opening_the_link(owner: Any) -> None:
    email_addresses.begin_verification(user=owner, now=timezone.now())
    client, path = Client(), mailed()
    assert client.get(path)["Location"] == "/verify"
    assert client.get("/verify").status_code == 200
    proved = User.objects.filter(pk=owner.pk, email_verified_at__isnull=False)
    assert not proved.exists()
    assert client.post("/verify")["Location"] == "/login"
    assert proved.exists()
    client.get(path)
    assert client.post("/verify").status_code == 400


def test_operators_need_a_second_factor_outside_the_demo(people: Any, settings: Any) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True
    operator = people.operator
    operator.set_password(PASSWORD)
    operator.save(update_fields=["password"])
    with time_machine.travel(START, tick=False) as clock:
        # The admin has no log-in of its own that would pass by the second factor.
        assert Client().get("/admin/login/?next=/admin/")["Location"] == "/login?next=%2Fadmin%2F"
        body = {"username": operator.email, "password": PASSWORD}
        assert Client().post("/admin/login/", body).status_code == 405
        client = enter(operator)
        assert client.get("/admin/")["Location"] == "/settings/security"
        secret, _ = set_up(client)
        clock.shift(timedelta(minutes=2))
        later = Client()
        later.post("/login", {"email": operator.email, "password": PASSWORD, "next": "/admin/"})
        assert later.get("/admin/")["Location"].startswith("/admin/login/")
        answer = later.post("/login/second", {"code": code(secret), "next": "/admin/"})
        assert answer["Location"] == "/admin/"
        assert later.get("/admin/").status_code == 200


def test_who_is_no_operator_is_told_so_and_not_sent_in_circles(owner: Any) -> None:
    client = enter(owner)
    answer = client.get("/admin/", follow=True)
    assert (answer.status_code, len(answer.redirect_chain)) == (403, 1)
