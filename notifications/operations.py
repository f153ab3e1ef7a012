"""Turn outbox rows into notices and live events.

Each row is claimed with FOR UPDATE SKIP LOCKED. Its notices are written in the transaction that
marks it sent, under a dedup key, so no notice appears twice. The live event is sent just before
that commit: a crash in between repeats it, and an unreachable channel is retried with back-off.
"""

import logging
from datetime import datetime

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import Q

from identity.models import User, users_of
from jobs.models import Outbox, OutboxState
from jobs.operations import outbox_delivered, outbox_failed
from notifications.events import event_text, notice_title
from notifications.models import Notice
from notifications.senders import send_event

logger = logging.getLogger(__name__)

BATCH = 100


def relay(*, now: datetime, batch: int = BATCH) -> tuple[int, int]:
    """Deliver waiting rows, oldest due first. Return (delivered, failed)."""
    delivered = failed = 0
    for _ in range(batch):
        with transaction.atomic():
            row = (
                Outbox.objects.select_for_update(skip_locked=True)
                .filter(state=OutboxState.WAITING, next_at__lte=now)
                .order_by("next_at", "id")
                .first()
            )
            if row is None:
                break
            title = notice_title(topic=row.topic, payload=row.payload)
            _write_notices(row, title, now)
            try:
                _send(row, title)
            except SoftTimeLimitExceeded:
                raise
            except Exception as fault:
                # Whatever it is, it holds up this row only: kept with its reason, and after the
                # last try a dead letter an operator can see.
                logger.warning(
                    "event %s was not sent, trying again later: %s",
                    row.dedup_key,
                    fault,
                    exc_info=fault,
                )
                outbox_failed(row=row, error=f"{type(fault).__name__}: {fault}")
                failed += 1
            else:
                outbox_delivered(row=row)
                delivered += 1
    return delivered, failed


def _write_notices(row: Outbox, title: str | None, now: datetime) -> None:
    if title is not None:
        Notice.objects.bulk_create(
            [
                Notice(
                    user_id=user_id,
                    topic=row.topic,
                    title=title,
                    payload=row.payload,
                    dedup_key=row.dedup_key,
                    created_at=now,
                )
                for user_id in sorted(_told(row))
            ],
            ignore_conflicts=True,
        )


def _told(row: Outbox) -> set[int]:
    """Return the household's members, and the adviser who asked if they may still see it."""
    concerned = Q(household_id=row.household_id) | Q(pk=row.asked_by_id)
    return set(users_of(row.household_id).filter(concerned).values_list("pk", flat=True))


def _send(row: Outbox, title: str | None) -> None:
    text = event_text(topic=row.topic, payload=row.payload, title=title)
    if text is not None:
        send_event(group=f"household.{row.household_id}", text=text)


def mark_read(*, notice: Notice, now: datetime) -> Notice:
    """Mark a notice read; a second call keeps the first time."""
    Notice.objects.filter(pk=notice.pk, read_at__isnull=True).update(read_at=now)
    notice.refresh_from_db()
    return notice


def mark_all_read(*, user: User, now: datetime) -> int:
    """Mark every notice of the user read."""
    return Notice.objects.for_user(user).filter(read_at__isnull=True).update(read_at=now)
