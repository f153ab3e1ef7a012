"""The relay: each announcement becomes one notice per member and asker, whatever dies between."""

from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from jobs.models import Outbox
from jobs.operations import announce, replay_dead
from notifications import operations
from notifications.models import Notice

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


NOWHERE = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
    }
}


def test_a_channel_out_of_reach_is_tried_again_and_notices_are_not_doubled(
    promised: Outbox,
) -> None:
    for attempt in range(1, 4):
        with override_settings(CHANNEL_LAYERS=NOWHERE):
            Outbox.objects.update(next_at=timezone.now())
            assert operations.relay(now=timezone.now()) == (0, 1)
        promised.refresh_from_db()
        assert promised.attempts == attempt
    assert promised.state == "dead"
    assert "ConnectionError" in promised.error or "refused" in promised.error
    assert len(notices()) == 2

    replay_dead(row=promised, now=timezone.now())
    assert operations.relay(now=timezone.now()) == (1, 0)
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
    poison = {"job_id": "j"}  # the event needs the account as well
    Outbox.objects.filter(pk=promised.pk).update(payload=poison)
    with transaction.atomic():
        announce(
            topic="rebalance_complete",
            household_id=people.owner.household_id,
            dedup_key="rebalance:2",
            payload=PAYLOAD,
            now=timezone.now(),
        )
    assert operations.relay(now=timezone.now()) == (1, 1)
    promised.refresh_from_db()
    assert (promised.state, promised.attempts) == ("waiting", 1)
    assert "KeyError" in promised.error
