"""Messages to households, written with the change they announce and relayed after its commit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from core.errors import Conflict
from core.limits import OUTBOX_ATTEMPTS_MAX
from jobs.models import Outbox, OutboxState
from jobs.operations.worker_messages import send

_SENT_KEPT = timedelta(days=30)


def announce(
    *,
    topic: str,
    household_id: int,
    dedup_key: str,
    payload: Mapping[str, Any],
    now: datetime,
    asked_by_id: int | None = None,
    urgent: bool = True,
) -> None:
    """Write a message to a household, and to the person who asked for the work.

    Call it in the transaction of the change itself. A second message with the same key is dropped.
    `urgent`: somebody may be waiting for it; messages to very many never delay it.
    """
    message = Outbox(
        topic=topic,
        household_id=household_id,
        asked_by_id=asked_by_id,
        dedup_key=dedup_key,
        payload=dict(payload),
        urgent=urgent,
        created_at=now,
        next_at=now,
    )
    _write([message])


@dataclass(frozen=True, slots=True)
class Message:
    """One of many messages, each with its own payload."""

    household_id: int
    dedup_key: str
    payload: Mapping[str, Any]


def announce_all(*, topic: str, messages: Collection[Message], now: datetime) -> None:
    """Write many messages, which wait behind the urgent ones."""
    _write(
        [
            Outbox(
                topic=topic,
                household_id=message.household_id,
                dedup_key=message.dedup_key,
                payload=dict(message.payload),
                urgent=False,
                created_at=now,
                next_at=now,
            )
            for message in messages
        ]
    )


def announce_to_many(
    *,
    topic: str,
    household_ids: Collection[int],
    dedup_key: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write one message to each of many households; `dedup_key` is completed by the household."""
    announce_all(
        topic=topic,
        messages=[
            Message(household_id, f"{dedup_key}:{household_id}", payload)
            for household_id in household_ids
        ],
        now=now,
    )


def _write(messages: Sequence[Outbox]) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an outbox row belongs in the transaction of the change it announces")
    Outbox.objects.bulk_create(messages, batch_size=1000, ignore_conflicts=True)
    for urgent in sorted({message.urgent for message in messages}):
        transaction.on_commit(partial(wake_outbox, urgent=urgent), robust=True)


def wake_outbox(*, urgent: bool = True) -> None:
    """Wake the relay; the schedule wakes it anyway."""
    send("notifications.relay", queue="urgent" if urgent else "deliveries", args=[urgent])


def outbox_delivered(*, ids: Collection[int]) -> None:
    """Mark the rows sent; call it in the transaction that writes their effects."""
    Outbox.objects.filter(pk__in=ids).update(state=OutboxState.SENT, sent_at=Now(), error="")


def outbox_failed(*, row: Outbox, error: str) -> None:
    """Count a failed try: exponential back-off, dead after the last one."""
    attempts = row.attempts + 1
    Outbox.objects.filter(pk=row.pk).update(
        attempts=F("attempts") + 1,
        error=error[:2000],
        state=OutboxState.DEAD if attempts >= OUTBOX_ATTEMPTS_MAX else OutboxState.WAITING,
        next_at=Now() + timedelta(seconds=2 ** (2 * attempts)),
    )


def replay_dead(*, row: Outbox, now: datetime) -> None:
    """Send a failed message again with all its attempts (operators)."""
    if not Outbox.objects.filter(pk=row.pk, state=OutboxState.DEAD).update(
        state=OutboxState.WAITING, attempts=0, next_at=now
    ):
        raise Conflict("Only messages that failed for good can be resent.", code="outbox_not_dead")


def forget_sent(*, now: datetime) -> int:
    """Delete the rows sent more than a month ago; return how many."""
    old = Outbox.objects.filter(state=OutboxState.SENT, created_at__lt=now - _SENT_KEPT)
    return old.delete()[0]
