"""The worker is killed between any two steps of fan-out, claim, send and mark.

Counted at the receivers of all channels: nothing is lost, the repetition of a webhook or a push
bears the same id, and a mail or a digest is repeated at most once for each kill, under the same
Message-ID. KILLS sets how many; `make bench ARGS=kills` takes 200.
"""

import os
import random
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from jobs.models import Outbox
from jobs.operations import announce
from notifications import operations
from notifications.models import Delivery, Notice
from notifications.operations import Given, claims, email, live, relaying, webhook_sending
from notifications.operations.measuring import measure
from tests.effort import size
from tests.notifications.servers import Hooks, Mails
from tests.notifications.test_mails import part
from tests.notifications.test_push import Device

KILLS = size("KILLS", usual=6, proof=12)
STEPS: tuple[tuple[Any, str], ...] = (
    (relaying, "_claimed"),
    (relaying, "_write"),
    (relaying, "outbox_delivered"),
    (claims, "claim"),
    (email, "_hand_over"),
    (webhook_sending, "post"),
    (live, "send_events"),
    (claims, "mark_sent"),
)
# Steps of one run over three events: before and after each call above.
STEPS_OF_A_RUN = 64


def announce_some(household_id: int, start: int, count: int) -> None:
    with transaction.atomic():
        for number in range(start, start + count):
            announce(
                topic="rebalance_failed",
                household_id=household_id,
                dedup_key=f"failed:{number}",
                payload={"account_name": f"Account {number}"},
                now=timezone.now(),
            )


def work(die_at: int) -> None:
    """Do what a worker does, and die at a step; 0: live."""
    left = [die_at]

    def step() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepped(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            step()
            found = call(*args, **options)
            step()
            return found

        return wrapped

    for place, name in STEPS:
        setattr(place, name, stepped(getattr(place, name)))
    operations.relay(now=timezone.now())
    for channel in ("live", "email", "webhook", "push", "digest"):
        operations.deliver(channel=channel, urgent=False, clock=timezone.now, budget_s=60)
        operations.deliver(channel=channel, urgent=True, clock=timezone.now, budget_s=60)


def reader_beside(member: Any) -> Any:
    """Return another member of the household, who reads digests."""
    return type(member).objects.create_user(
        email="reader@ballast.example", password=None, household=member.household
    )


def in_a_process(die_at: int) -> bool:
    """Run the work in a process of its own; return whether it was killed."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(die_at)
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    assert os.WIFSIGNALED(ended) or os.waitstatus_to_exitcode(ended) == 0
    return os.WIFSIGNALED(ended)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_any_two_steps_loses_nothing(
    people: Any,
    mails: Mails,
    hooks: Hooks,
    settings: Any,
    due: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr(relaying, "send", lambda *_, **__: None)  # no worker but ours
    settings.WEBHOOK_TIMEOUT_S = 10
    operations.create_webhook(
        user=people.stranger, url=hooks.url(), topics=["job_failed"], now=timezone.now()
    )
    device = Device(hooks)
    device.subscribe(people.stranger)
    reader = reader_beside(people.stranger)
    for person, given in (
        (people.stranger, Given(choices={"job_failed": {"push": True}})),
        (reader, Given(digest="daily")),
    ):
        operations.set_preferences(user=person, given=given, now=timezone.now())
    seeded = random.Random(14)
    kills = events = runs = 0
    while kills < KILLS:
        announce_some(people.stranger.household_id, events, 3)
        events += 3
        due()
        kills += in_a_process(seeded.randint(1, STEPS_OF_A_RUN))
        runs += 1
        assert runs < 20 * KILLS
    for _ in range(50):
        due()
        assert not in_a_process(0)
        if not Delivery.objects.filter(state="waiting").exists():
            break
    assert not Outbox.objects.exclude(state="sent").exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert Notice.objects.filter(user=people.stranger).count() == events
    by_mail = [mail["Message-ID"] for mail in mails.taken if mail["To"] == people.stranger.email]
    digests = [mail for mail in mails.taken if mail["To"] == reader.email]
    named = [set(re.findall(r"Account \d+", part(mail, "plain"))) for mail in digests]
    by_hook = [headers["webhook-id"] for path, headers, _ in hooks.got if path == "/hook"]
    pushes = [device.read(body)["tag"] for path, _, body in hooks.got if path == "/push/1"]
    told = (
        f"{kills} kills, {events} events, {len(by_mail)} mails, {len(digests)} digests, "
        f"{len(by_hook)} hook messages, {len(pushes)} pushes"
    )
    record_property("counted", told)
    assert len(set(by_mail)) == events
    assert len(by_mail) - events <= kills
    assert len(set(by_hook)) == events
    assert len(set(pushes)) == events
    assert {f"Account {number}" for number in range(events)} == set().union(*named)
    repeated = [lines for n, lines in enumerate(named) if lines & set().union(*named[:n])]
    assert len(repeated) <= kills


@pytest.mark.django_db
def test_a_delivery_that_kills_every_worker_is_dead_in_the_end(
    happen: Callable[..., None], mails: Mails, due: Callable[[], None]
) -> None:
    happen()
    for _ in range(claims.CLAIMS_MAX):
        due()
        assert len(claims.claim(channel="email", urgent=False, limit=10)) == 1
    due()
    assert claims.claim(channel="email", urgent=False, limit=10) == []
    row = Delivery.objects.get(channel="email")
    assert (row.state, row.error) == ("dead", "the worker died at every try")


@pytest.mark.django_db
def test_only_the_latest_claim_may_mark(
    happen: Callable[..., None], mails: Mails, due: Callable[[], None]
) -> None:
    happen()
    (slow,) = claims.claim(channel="email", urgent=False, limit=10)
    assert claims.claim(channel="email", urgent=False, limit=10) == []
    due()  # its lease is over
    (quick,) = claims.claim(channel="email", urgent=False, limit=10)
    marks: tuple[Callable[[], None], ...] = (
        lambda: claims.mark_sent(claimed=[slow]),
        lambda: claims.mark_dead(claimed=[slow], reason="late"),
        lambda: claims.mark_failed(claimed=slow, error="late"),
        lambda: claims.release(claimed=[slow]),
    )
    for mark in marks:
        mark()
        row = Delivery.objects.get(channel="email")
        assert (row.state, row.error, row.attempts) == ("waiting", "", 2)
    claims.mark_sent(claimed=[quick])
    assert Delivery.objects.get(channel="email").state == "sent"


@pytest.mark.django_db
def test_due_and_dead_deliveries_are_gauges(
    happen: Callable[..., None], mails: Mails, due: Callable[[], None], client: Any
) -> None:
    happen(3)
    due()
    (one,) = claims.claim(channel="email", urgent=False, limit=1)
    claims.mark_dead(claimed=[one], reason="no such person")
    figures = measure(now=timezone.now())
    assert figures["ballast_deliveries_due"]["email"] == 2
    assert figures["ballast_deliveries_dead"]["email"] == 1
    shown = client.get("/metrics").content.decode()
    assert 'ballast_deliveries_dead{channel="email"} 1.0' in shown
