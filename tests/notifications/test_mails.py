"""Mails against a real server that takes, refuses, hangs and dies."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from identity.models import User
from jobs.operations import announce
from notifications import operations
from notifications.models import CaughtMail, Delivery, Preference
from notifications.operations import Given
from notifications.operations.digests import deliver_digests
from notifications.operations.email import deliver_mails
from notifications.operations.preferences import unsubscribe
from tests.notifications.servers import Mails

pytestmark = pytest.mark.django_db


def send() -> int:
    return deliver_mails(urgent=False, now=timezone.now())


def states() -> list[tuple[str, int]]:
    rows = Delivery.objects.filter(channel__in=["email", "digest"]).order_by("id")
    return list(rows.values_list("state", "attempts"))


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_mail_has_text_html_and_one_click_unsubscribing(
    happen: Callable[..., None], mails: Mails, client: Any, people: Any
) -> None:
    happen()
    assert send() == 1
    (mail,) = mails.taken
    row = Delivery.objects.get(channel="email")
    assert (row.state, row.attempts) == ("sent", 1)
    assert mail["To"] == people.stranger.email
    assert mail["Subject"].startswith("Rebalancing Main failed.")
    assert str(row.public_id) in mail["Message-ID"]
    for kind in ("plain", "html"):
        assert "/notices" in part(mail, kind)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = mail["List-Unsubscribe"].strip("<>").partition("8000")[2]
    asked = client.get(path)
    assert b"End these mails?" in asked.content
    happen()
    assert send() == 1  # asking changed nothing
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    happen()
    assert send() == 0
    assert len(mails.taken) == 2


def test_a_name_of_two_lines_makes_no_header_and_holds_up_no_mail(
    happen: Callable[..., None], mails: Mails
) -> None:
    happen(account_name="Main\nBcc: thief@example.com")
    assert send() == 1
    (mail,) = mails.taken
    assert mail["Subject"].startswith("Rebalancing Main Bcc: thief@example.com failed.")
    assert mail["Bcc"] is None


def test_a_forged_link_ends_nothing(client: Any, people: Any) -> None:
    assert client.post("/unsubscribe/eyJ1c2VyIjoxfQ:1x:forged").status_code == 404
    assert not Preference.objects.exists()


@pytest.mark.parametrize(
    ("how", "state", "status"),
    [("refuse_address", "dead", 550), ("spam", "dead", 554), ("busy", "waiting", 451)],
)
def test_what_the_server_refuses_is_dead_or_tried_again(
    happen: Callable[..., None], mails: Mails, how: str, state: str, status: int
) -> None:
    mails.how = how
    happen()
    assert send() == 1
    row = Delivery.objects.get(channel="email")
    assert (row.state, row.response_status) == (state, status)
    assert str(status) in row.error
    assert mails.taken == []


@pytest.mark.parametrize("how", ["hang", "die_in_data"])
def test_a_server_that_hangs_or_dies_costs_one_try_and_loses_nothing(
    happen: Callable[..., None], mails: Mails, due: Callable[[], None], how: str
) -> None:
    mails.how = how
    happen(3)
    assert send() == 0
    assert states() == [("waiting", 1), ("waiting", 0), ("waiting", 0)]
    assert mails.connections == 1
    mails.release.set()
    mails.how = "take"
    due()
    assert send() == 3
    assert states() == [("sent", 2), ("sent", 1), ("sent", 1)]
    assert len({mail["Message-ID"] for mail in mails.taken}) == 3


def test_a_mail_taken_without_an_answer_is_repeated_once_under_the_same_id(
    happen: Callable[..., None], mails: Mails, due: Callable[[], None]
) -> None:
    mails.how = "die_after_data"
    happen()
    assert send() == 0
    mails.how = "take"
    due()
    assert send() == 1
    first, second = mails.taken
    assert first["Message-ID"] == second["Message-ID"]


def test_after_the_last_try_a_mail_is_a_dead_letter_that_can_be_replayed(
    happen: Callable[..., None], mails: Mails, due: Callable[[], None]
) -> None:
    mails.how = "busy"
    happen()
    tries = 0
    while states()[0][0] == "waiting":
        due()
        send()
        tries += 1
        assert tries < 20
    assert states() == [("dead", 9)]
    mails.how = "take"
    ids = [Delivery.objects.get(channel="email").pk]
    assert operations.replay(ids=ids, now=timezone.now()) == 1
    assert operations.replay(ids=ids, now=timezone.now()) == 0
    assert send() == 1
    assert (states(), len(mails.taken)) == ([("sent", 1)], 1)


def reset_link(*, payload: Any, now: datetime) -> str | None:
    return None if payload.get("used") else f"/reset/secret-of-{payload['user_id'][:4]}"


def ask_for_reset(user: Any, **more: Any) -> None:
    with transaction.atomic():
        announce(
            topic="security",
            household_id=user.household_id,
            dedup_key=f"reset:{more}",
            payload={"kind": "password_reset", "user_id": str(user.public_id), **more},
            now=timezone.now(),
        )
    operations.relay(now=timezone.now())


def test_a_secret_link_is_made_at_sending_and_is_nowhere_in_the_database(
    people: Any, mails: Mails, settings: Any
) -> None:
    settings.MAIL_LINKS = {"password_reset": f"{__name__}.reset_link"}
    ask_for_reset(people.owner)
    assert deliver_mails(urgent=True, now=timezone.now()) == 1
    (mail,) = mails.taken
    assert "/reset/secret-of-" in part(mail, "plain")
    assert mail["List-Unsubscribe"] is None
    assert not Delivery.objects.filter(payload__icontains="secret-of").exists()


@pytest.mark.parametrize("why", ["used", "expired"])
def test_a_mail_no_longer_wanted_is_dropped(
    people: Any, mails: Mails, settings: Any, why: str
) -> None:
    settings.MAIL_LINKS = {"password_reset": f"{__name__}.reset_link"}
    more: dict[str, Any] = {"used": True}
    if why == "expired":
        more = {"expires_at": (timezone.now() - timedelta(minutes=1)).isoformat()}
    ask_for_reset(people.owner, **more)
    deliver_mails(urgent=True, now=timezone.now())
    assert mails.taken == []
    assert Delivery.objects.get().state == "dropped"


@time_machine.travel("2026-03-02T11:00:00Z", tick=False)  # 6 in New York
def test_a_digest_is_one_mail_at_eight_in_the_morning_of_the_person(
    people: Any, mails: Mails, happen: Callable[..., None]
) -> None:
    given = Given(digest="daily", time_zone="America/New_York")
    operations.set_preferences(user=people.stranger, given=given, now=timezone.now())
    happen(3)
    rows = Delivery.objects.filter(channel="digest")
    assert set(rows.values_list("next_at", flat=True)) == {datetime(2026, 3, 2, 13, tzinfo=UTC)}
    assert not Delivery.objects.filter(channel="email").exists()
    Delivery.objects.update(next_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert deliver_digests(now=timezone.now()) == 1
    (mail,) = mails.taken
    assert mail["Subject"] == "3 messages from your accounts"
    assert part(mail, "plain").count("Rebalancing Main failed.") == 3
    assert states() == [("sent", 1)] * 3


def test_a_digest_that_was_not_taken_is_one_mail_later(
    people: Any, mails: Mails, happen: Callable[..., None]
) -> None:
    given = Given(digest="daily")
    operations.set_preferences(user=people.stranger, given=given, now=timezone.now())
    happen(5)
    mails.how = "busy"
    Delivery.objects.update(next_at=datetime(2020, 1, 1, tzinfo=UTC), attempts=6)
    assert deliver_digests(now=timezone.now()) == 1
    times = Delivery.objects.filter(channel="digest").values_list("next_at", flat=True)
    assert max(times) - min(times) < timedelta(seconds=2)
    assert min(times) > timezone.now() + timedelta(minutes=30)


def test_one_click_ends_the_digest_and_leaves_what_is_urgent(
    people: Any, mails: Mails, happen: Callable[..., None], client: Any
) -> None:
    given = Given(digest="daily")
    operations.set_preferences(user=people.stranger, given=given, now=timezone.now())
    happen()
    Delivery.objects.update(next_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert deliver_digests(now=timezone.now()) == 1
    path = mails.taken[0]["List-Unsubscribe"].strip("<>").partition("8000")[2]
    ended = client.post(path, {"List-Unsubscribe": "One-Click"})
    assert ended.status_code == 200
    chosen = Preference.objects.get(user=people.stranger)
    assert chosen.digest == "none"
    assert chosen.choices["job_failed"] == {"email": False}
    assert "wash_sale" not in chosen.choices
    happen()
    assert not Delivery.objects.filter(channel__in=["email", "digest"], state="waiting").exists()


def test_the_demo_keeps_mails_for_its_page_and_shows_none_elsewhere(
    happen: Callable[..., None], client: Any, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "notifications.operations.caught_mail.Backend"
    happen()
    assert send() == 1
    mail = CaughtMail.objects.get()
    assert client.get("/mailbox").status_code == 404
    settings.DEMO = True
    assert mail.subject in client.get("/mailbox").content.decode()
    assert b"Open in Ballast" in client.get(f"/mailbox/{mail.pk}").content
    shown = client.get(f"/mailbox/{mail.pk}/html")
    assert "sandbox" in shown["Content-Security-Policy"]


def in_digest(people: Any, happen: Callable[..., None], count: int = 1) -> None:
    """Events that wait for the digest of tomorrow, which comes now."""
    given = Given(digest="daily")
    operations.set_preferences(user=people.stranger, given=given, now=timezone.now())
    happen(count)
    Delivery.objects.update(next_at=datetime(2020, 1, 1, tzinfo=UTC))


def test_what_waited_for_a_digest_is_dropped_when_it_is_no_longer_wanted(
    people: Any, mails: Mails, happen: Callable[..., None]
) -> None:
    in_digest(people, happen, 2)
    unsubscribe(user_id=people.stranger.pk, topic="digest", now=timezone.now())
    assert deliver_digests(now=timezone.now()) == 2
    assert mails.taken == []
    rows = Delivery.objects.filter(channel="digest")
    assert set(rows.values_list("state", "error")) == {("dropped", "no longer wanted")}


def test_a_digest_goes_to_the_address_that_its_reader_has_now(
    people: Any, mails: Mails, happen: Callable[..., None]
) -> None:
    in_digest(people, happen)
    User.objects.filter(pk=people.stranger.pk).update(email="moved@example.com")
    happen()
    Delivery.objects.update(next_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert deliver_digests(now=timezone.now()) == 1
    (mail,) = mails.taken
    assert (mail["To"], mail["Subject"]) == ("moved@example.com", "2 messages from your accounts")


def test_whoever_left_the_household_reads_nothing_of_it_any_more(
    people: Any, mails: Mails, happen: Callable[..., None]
) -> None:
    in_digest(people, happen)
    User.objects.filter(pk=people.stranger.pk).update(household=people.owner.household)
    deliver_digests(now=timezone.now())
    assert mails.taken == []
    assert Delivery.objects.get(channel="digest").state == "dropped"


def test_a_batch_of_mails_is_one_connection_and_one_that_ended_is_opened_again(
    mails: Mails, happen: Callable[..., None]
) -> None:
    happen(3)
    assert send() == 3
    assert (len(mails.taken), mails.connections) == (3, 1)
    mails.how = "one_a_connection"
    happen(3)
    assert send() == 3
    assert (len(mails.taken), mails.connections) == (6, 4)
    assert set(Delivery.objects.filter(channel="email").values_list("state", "attempts")) == {
        ("sent", 1)
    }
