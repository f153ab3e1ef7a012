"""Turn outbox rows into notices and deliveries, in sets. Nothing is sent here.

A batch of rows is locked with FOR UPDATE SKIP LOCKED. Its notices and deliveries are written in the
transaction that marks it sent, so a crash leaves either all of them or none.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from jobs.models import Outbox, OutboxState
from jobs.operations import outbox_delivered, outbox_failed
from jobs.operations.worker_messages import send
from notifications.fan_out import Happened, Plan, addresses, planned
from notifications.queries import people_told
from stores.rows import execute

logger = logging.getLogger(__name__)

BATCH = 500
QUEUES = {True: "urgent", False: "deliveries"}

_NOTICES = """
INSERT INTO notifications_notice
       (public_id, user_id, topic, title, payload, dedup_key, created_at)
SELECT given.public_id, given.user_id, given.topic, given.title, event.payload, given.dedup_key,
       %(now)s
  FROM unnest(%(public_ids)s::uuid[], %(users)s::bigint[], %(topics)s::text[], %(titles)s::text[],
              %(keys)s::text[], %(events)s::bigint[])
       AS given (public_id, user_id, topic, title, dedup_key, event_id)
  JOIN jobs_outbox event ON event.id = given.event_id
    ON CONFLICT DO NOTHING
"""
_DELIVERIES = """
INSERT INTO notifications_delivery
       (public_id, event_id, user_id, channel, address, topic, title, payload, urgent, state,
        attempts, claims, created_at, next_at, error)
SELECT given.public_id, given.event_id, given.user_id, given.channel, given.address, given.topic,
       given.title, event.payload, given.urgent, 'waiting', 0, 0, %(now)s, given.next_at, ''
  FROM unnest(%(public_ids)s::uuid[], %(users)s::bigint[], %(channels)s::text[],
              %(addresses)s::text[], %(topics)s::text[], %(titles)s::text[], %(urgent)s::boolean[],
              %(next_at)s::timestamptz[], %(events)s::bigint[])
       AS given (public_id, user_id, channel, address, topic, title, urgent, next_at, event_id)
  JOIN jobs_outbox event ON event.id = given.event_id
    ON CONFLICT DO NOTHING
"""


def relay(
    *, now: datetime, urgent: bool | None = None, batch: int = BATCH, batches: int = 20
) -> tuple[int, int]:
    """Fan out waiting events, oldest due first. Return (fanned out, failed).

    urgent: single events (True), those of a flood (False), or both.
    """
    done = failed = 0
    for _ in range(batches):
        with transaction.atomic():
            rows = _claimed(now, urgent, batch)
            plans, unreadable = _planned(rows, now)
            _write(plans, now)
            outbox_delivered(ids=[plan.event.id for plan in plans])
            for row, fault in unreadable:
                outbox_failed(row=row, error=f"{type(fault).__name__}: {fault}")
            for channel, soon in sorted(addresses(plans)):
                transaction.on_commit(_waking(channel, urgent=soon), robust=True)
        done, failed = done + len(plans), failed + len(unreadable)
        if len(rows) < batch:
            break
    return done, failed


def wake_deliveries(*, channel: str, urgent: bool) -> None:
    """Wake the workers of a channel; the schedule wakes them anyway."""
    send("notifications.deliver", queue=QUEUES[urgent], args=[channel, urgent])


def _waking(channel: str, *, urgent: bool) -> Callable[[], None]:
    return partial(wake_deliveries, channel=channel, urgent=urgent)


def _claimed(now: datetime, urgent: bool | None, batch: int) -> list[Outbox]:
    rows = Outbox.objects.select_for_update(skip_locked=True).filter(
        state=OutboxState.WAITING, next_at__lte=now
    )
    if urgent is not None:
        rows = rows.filter(urgent=urgent)
    return list(rows.order_by("next_at", "id")[:batch])


def _planned(
    rows: Sequence[Outbox], now: datetime
) -> tuple[list[Plan], list[tuple[Outbox, Exception]]]:
    """Return the plans of the rows, and the rows that cannot be read with the reason."""
    people = people_told({(row.household_id, row.asked_by_id) for row in rows})
    plans, unreadable = [], []
    for row in rows:
        event = Happened(
            id=row.pk,
            name=row.topic,
            household_id=row.household_id,
            payload=row.payload,
            dedup_key=row.dedup_key,
            urgent=row.urgent,
        )
        told = people.get((row.household_id, None), [])
        if row.asked_by_id is not None:
            told = [*told, *people.get((row.household_id, row.asked_by_id), [])]
        try:
            plans.append(planned(event=event, people=told, now=now))
        except SoftTimeLimitExceeded:
            raise
        except Exception as fault:
            # It holds up this row only: kept with its reason, and a dead letter in the end.
            logger.warning("event %s cannot be read: %s", row.dedup_key, fault, exc_info=fault)
            unreadable.append((row, fault))
    return plans, unreadable


def _write(plans: Sequence[Plan], now: datetime) -> None:
    notices = [(row, plan.event.id) for plan in plans for row in plan.notices]
    if notices:
        execute(
            _NOTICES,
            {
                "now": now,
                "public_ids": [row.public_id for row, _ in notices],
                "users": [row.user_id for row, _ in notices],
                "topics": [row.topic for row, _ in notices],
                "titles": [row.title for row, _ in notices],
                "keys": [row.dedup_key for row, _ in notices],
                "events": [event_id for _, event_id in notices],
            },
        )
    deliveries = [(row, plan.event.id) for plan in plans for row in plan.deliveries]
    if deliveries:
        execute(
            _DELIVERIES,
            {
                "now": now,
                "public_ids": [row.public_id for row, _ in deliveries],
                "users": [row.user_id for row, _ in deliveries],
                "channels": [row.channel for row, _ in deliveries],
                "addresses": [row.address for row, _ in deliveries],
                "topics": [row.topic for row, _ in deliveries],
                "titles": [row.title for row, _ in deliveries],
                "urgent": [row.urgent for row, _ in deliveries],
                "next_at": [row.next_at for row, _ in deliveries],
                "events": [event_id for _, event_id in deliveries],
            },
        )
