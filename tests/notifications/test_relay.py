"""The relay: each announcement becomes one notice per member and asker, whatever dies between."""

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs.models import Outbox
from jobs.operations import announce, announce_to_many
from notifications import operations
from notifications.models import Delivery, Notice
from notifications.operations import create_webhook

pytestmark = pytest.mark.django_db

PAYLOAD = {
    "job_id": "j",
    "account_id": "a",
    "account_name": "Main",
    "recommendation_id": "r",
    "trades": 2,
}


@pytest.fixture
def promised(people: Any) -> Outbox:
    with transaction.atomic():
        announce(
            topic="rebalance_complete",
            household_id=people.owner.household_id,
            dedup_key="rebalance:1",
            payload=PAYLOAD,
            now=timezone.now(),
        )
    return Outbox.objects.get()


def notices() -> list[tuple[str, str]]:
    return sorted(Notice.objects.values_list("user__email", "title"))


def test_every_member_of_the_household_is_told_once_and_nobody_else(
    promised: Outbox, people: Any
) -> None:
    assert operations.relay(now=timezone.now()) == (1, 0)
    assert operations.relay(now=timezone.now()) == (0, 0)
    assert notices() == [
        ("owner@ballast.example", "2 trades recommended for Main."),
        ("spouse@ballast.example", "2 trades recommended for Main."),
    ]
    promised.refresh_from_db()
    assert promised.state == "sent"


def test_an_adviser_who_asked_is_told_while_he_may_see_the_household(
    promised: Outbox, people: Any
) -> None:
    Outbox.objects.update(asked_by=people.adviser)
    assert operations.relay(now=timezone.now()) == (1, 0)
    told = [name.partition("@")[0] for name, _ in notices()]
    assert told == ["adviser", "owner", "spouse"]


@pytest.mark.parametrize("who", ["adviser", "stranger", "owner"])
def test_nobody_is_told_because_he_asked_once(promised: Outbox, people: Any, who: str) -> None:
    people.adviser.clients.all().delete()
    Outbox.objects.update(asked_by=getattr(people, who))
    assert operations.relay(now=timezone.now()) == (1, 0)
    assert [name.partition("@")[0] for name, _ in notices()] == ["owner", "spouse"]


def test_the_fan_out_of_an_event_writes_each_delivery_once(promised: Outbox, people: Any) -> None:
    create_webhook(
        user=people.owner,
        url="https://hooks.example/a",
        topics=["recommendation_ready"],
        now=timezone.now(),
    )
    operations.relay(now=timezone.now())
    Outbox.objects.update(state="waiting")  # as after a restore of an older copy
    operations.relay(now=timezone.now())
    assert sorted(Delivery.objects.values_list("channel", "topic")) == [
        ("live", "rebalance_complete"),
        ("webhook", "rebalance_complete"),
    ]
    assert len(notices()) == 2


def test_a_transaction_that_was_rolled_back_tells_nobody(people: Any) -> None:
    with transaction.atomic():
        announce(
            topic="rebalance_complete",
            household_id=people.owner.household_id,
            dedup_key="x",
            payload=PAYLOAD,
            now=timezone.now(),
        )
        transaction.set_rollback(True)
    assert operations.relay(now=timezone.now()) == (0, 0)
    assert notices() == []


def test_one_letter_nobody_can_read_does_not_hold_up_the_others(
    promised: Outbox, people: Any
) -> None:
    Outbox.objects.filter(pk=promised.pk).update(topic="security", payload={"kind": "unheard_of"})
    with transaction.atomic():
        announce(
            topic="rebalance_complete",
            household_id=people.owner.household_id,
            dedup_key="rebalance:2",
            payload=PAYLOAD,
            now=timezone.now(),
        )
    for attempt, left in ((1, 1), (2, 0), (3, 0)):
        Outbox.objects.update(next_at=timezone.now())
        assert operations.relay(now=timezone.now()) == (left, 1)
        promised.refresh_from_db()
        assert promised.attempts == attempt
    assert promised.state == "dead"
    assert "unheard_of" in promised.error
    assert len(notices()) == 2


def test_urgent_events_and_floods_are_fanned_out_apart(promised: Outbox, people: Any) -> None:
    with transaction.atomic():
        announce_to_many(
            topic="corporate_action_waiting",
            household_ids=[people.owner.household_id, people.stranger.household_id],
            dedup_key="action:1",
            payload={"title": "ACME 2:1 split", "ex_date": "2024-06-10"},
            now=timezone.now(),
        )
    assert operations.relay(now=timezone.now(), urgent=True) == (1, 0)
    assert set(Outbox.objects.values_list("topic", "state")) == {
        ("rebalance_complete", "sent"),
        ("corporate_action_waiting", "waiting"),
    }
    assert operations.relay(now=timezone.now(), urgent=False) == (2, 0)
    assert not Outbox.objects.exclude(state="sent").exists()


def test_a_security_event_is_for_one_person_and_no_page_of_the_spouse(people: Any) -> None:
    with transaction.atomic():
        announce(
            topic="security",
            household_id=people.owner.household_id,
            dedup_key="device:1",
            payload={
                "kind": "new_device",
                "user_id": str(people.owner.public_id),
                "device": "Firefox on Linux",
                "address": "203.0.113.9",
            },
            now=timezone.now(),
        )
    assert operations.relay(now=timezone.now()) == (1, 0)
    assert notices() == [("owner@ballast.example", "New device logged in")]
    assert list(Delivery.objects.values_list("channel", "address", "urgent")) == [
        ("email", "owner@ballast.example", True)
    ]
