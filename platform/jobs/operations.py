"""Promising work, claiming it, and writing down what came of it.

    enqueue   a row and a wake-up call after the commit; an identical active request finds its row
    claim     one conditional UPDATE: pending, or processing with a lease that ran out
    finish    only WHERE attempt = mine: a worker that lost its lease writes nothing
    sweep     rows nobody woke or whose lease ran out are woken again; three attempts, then failed

Time of leases is the database's, so clocks of workers do not matter.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from core.errors import Conflict
from core.identifiers import content_hash
from core.limits import JOB_ATTEMPTS_MAX, OUTBOX_ATTEMPTS_MAX
from identity.models import User
from jobs.models import ACTIVE, IdempotencyKey, Job, JobStatus, Outbox, OutboxState

logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another worker has the job now, or it was cancelled: stop, and write nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job and to write its result, for one attempt."""

    job_id: int
    public_id: UUID
    attempt: int
    last: bool
    household_id: int
    requested_by_id: int
    subject_id: UUID
    params: Mapping[str, Any]


def enqueue(
    *,
    kind: str,
    queue: str,
    user: User,
    household_id: int,
    subject_id: UUID,
    params: Mapping[str, Any],
    now: datetime,
    estimate_s: float,
) -> Job:
    """The job for this request: a new one, or the identical one that is still active."""
    params_hash = content_hash(dict(params))
    same = {"kind": kind, "subject_id": subject_id, "params_hash": params_hash}
    for _ in range(3):
        found = Job.objects.filter(status__in=ACTIVE, **same).first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    **same,
                    queue=queue,
                    household_id=household_id,
                    requested_by_id=user.pk,
                    params=dict(params),
                    created_at=now,
                    woken_at=now,
                    estimated_completion=now + timedelta(seconds=estimate_s),
                )
        except IntegrityError:
            continue
        _wake_after_commit(job)
        return job
    raise Conflict("An identical job keeps changing; try again.", code="job_contended")


def _wake_after_commit(job: Job) -> None:
    transaction.on_commit(lambda: wake(job_id=job.pk, kind=job.kind, queue=job.queue), robust=True)


def wake(*, job_id: int, kind: str, queue: str) -> None:
    """Tells a worker to look at the job. Losing this message costs seconds, never the job."""
    _send(kind, queue=queue, args=[job_id])


def _send(task: str, *, queue: str, args: Sequence[int] = ()) -> None:
    try:
        current_app.send_task(task, args=list(args), queue=queue, retry=False)
    except (OperationalError, OSError) as fault:
        # The row is written: the schedule finds it as soon as the broker is back.
        logger.warning("no broker for %s: %s", task, fault)


_CLAIM = """
UPDATE jobs_job SET status = 'processing', attempt = attempt + 1, progress = 0,
       lease_until = now() + make_interval(secs => %(lease_s)s),
       started_at = COALESCE(started_at, now())
 WHERE id = %(job_id)s AND cancel_requested_at IS NULL AND attempt < attempts_max
   AND (status = 'pending' OR (status = 'processing' AND lease_until < now()))
RETURNING public_id, attempt, attempt >= attempts_max, household_id, requested_by_id, subject_id,
          params::text
"""


def claim(*, job_id: int) -> Claim | None:
    """The job for this worker, or None when it is finished, cancelled or another's."""
    import json

    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"job_id": job_id, "lease_s": settings.JOB_LEASE_S})
        row = cursor.fetchone()
    if row is None:
        return None
    *known, params = row
    return Claim(*[job_id, *known, json.loads(params)])


def report_progress(*, claim: Claim, percent: int) -> None:
    """Writes progress and renews the lease; raises LeaseLost when the job is no longer ours."""
    mine = _mine(claim).filter(cancel_requested_at__isnull=True)
    renewed = mine.update(
        progress=min(99, percent),
        lease_until=Now() + timedelta(seconds=settings.JOB_LEASE_S),
    )
    if not renewed:
        raise LeaseLost(f"job {claim.public_id} attempt {claim.attempt}")


@contextmanager
def result_written() -> Iterator[None]:
    """The transaction of a result. A worker that stops in its middle loses it with its lease.

    Otherwise its locks would keep the next attempt from writing for as long as it sleeps.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', %s, true)",
                [f"{settings.JOB_LEASE_S}s"],
            )
        yield


def complete(*, claim: Claim, result: Mapping[str, Any]) -> None:
    """Writes the result, once. Call it in the transaction that writes what the job made."""
    mine = _mine(claim).filter(cancel_requested_at__isnull=True)
    if not mine.update(
        status=JobStatus.COMPLETED,
        progress=100,
        result=dict(result),
        error=None,
        lease_until=None,
        finished_at=Now(),
    ):
        raise LeaseLost(f"job {claim.public_id} attempt {claim.attempt}")


def fail(*, claim: Claim, code: str, detail: str) -> bool:
    """Ends the job as failed with a reason a user can read; False when it was no longer ours."""
    return bool(
        _mine(claim).update(
            status=JobStatus.FAILED,
            error={"code": code, "detail": detail},
            lease_until=None,
            finished_at=Now(),
        )
    )


def release(*, claim: Claim) -> bool:
    """Gives the job back after a passing fault; the sweeper wakes it again."""
    return bool(_mine(claim).update(status=JobStatus.PENDING, lease_until=None))


def cancel(*, job: Job) -> None:
    """Cancels an unfinished job at once; the worker that holds it can no longer write a result."""
    cancelled = Job.objects.filter(pk=job.pk, status__in=ACTIVE).update(
        status=JobStatus.CANCELLED,
        cancel_requested_at=Now(),
        lease_until=None,
        finished_at=Now(),
    )
    if not cancelled:
        job.refresh_from_db()
        if job.status != JobStatus.CANCELLED:
            raise Conflict(f"The job is already {job.status}.", code="job_finished")


def retry(*, job: Job, now: datetime) -> Job:
    """A failed or cancelled job starts over with fresh attempts (operators)."""
    try:
        with transaction.atomic():
            changed = Job.objects.filter(
                pk=job.pk, status__in=[JobStatus.FAILED, JobStatus.CANCELLED]
            ).update(
                status=JobStatus.PENDING,
                attempts_max=F("attempt") + JOB_ATTEMPTS_MAX,
                progress=0,
                error=None,
                cancel_requested_at=None,
                finished_at=None,
                woken_at=now,
            )
            if not changed:
                raise Conflict(
                    "Only failed or cancelled jobs can be retried.", code="job_not_retriable"
                )
            _wake_after_commit(job)
    except IntegrityError:
        # job_active_unique: an identical request was made since.
        raise Conflict("The same work is already under way.", code="job_active") from None
    job.refresh_from_db()
    return job


_EXHAUSTED = """
UPDATE jobs_job SET status = 'failed', lease_until = NULL, finished_at = now(),
       error = jsonb_build_object('code', 'attempts_exhausted',
                                  'detail', 'The work was started several times and never ended.')
 WHERE attempt >= attempts_max AND (status = 'pending'
       OR (status = 'processing' AND lease_until < now()))
RETURNING public_id::text, kind, attempt, household_id, subject_id::text
"""
_DUE = """
UPDATE jobs_job SET woken_at = now()
 WHERE id IN (SELECT id FROM jobs_job
               WHERE (status = 'pending' AND woken_at < now() - interval '8 seconds')
                  OR (status = 'processing' AND lease_until < now()
                      AND woken_at < now() - interval '8 seconds')
               ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, queue
"""


def sweep(*, now: datetime) -> tuple[int, int]:
    """Wakes what waits too long, fails what was tried too often and says so; (woken, failed)."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXHAUSTED)
        failed = cursor.fetchall()
        for public_id, kind, attempt, household_id, subject_id in failed:
            name = kind.rsplit(".", 1)[-1]
            announce(
                topic=f"{name}_failed",
                household_id=household_id,
                dedup_key=f"{name}:{public_id}:{attempt}",
                payload={
                    "job_id": public_id,
                    "account_id": subject_id,
                    "code": "attempts_exhausted",
                },
                now=now,
            )
    with connection.cursor() as cursor:
        cursor.execute(_DUE)
        due = cursor.fetchall()
    for job_id, kind, queue in due:
        wake(job_id=job_id, kind=kind, queue=queue)
    return len(due), len(failed)


def _mine(claim: Claim) -> Any:
    return Job.objects.filter(pk=claim.job_id, attempt=claim.attempt, status=JobStatus.PROCESSING)


def announce(
    *,
    topic: str,
    household_id: int,
    dedup_key: str,
    payload: Mapping[str, Any],
    now: datetime,
    asked_by_id: int | None = None,
) -> None:
    """Promises to tell a household, and who asked; in the transaction of the change itself."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an outbox row belongs in the transaction of the change it announces")
    Outbox.objects.bulk_create(
        [
            Outbox(
                topic=topic,
                household_id=household_id,
                asked_by_id=asked_by_id,
                dedup_key=dedup_key,
                payload=dict(payload),
                created_at=now,
                next_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(wake_outbox, robust=True)


def wake_outbox() -> None:
    """Tells the relay to look; the schedule looks anyway."""
    _send("notifications.relay", queue="notify")


def outbox_delivered(*, row: Outbox) -> None:
    """The effects of the row are written; call in their transaction."""
    Outbox.objects.filter(pk=row.pk).update(state=OutboxState.SENT, sent_at=Now(), error="")


def outbox_failed(*, row: Outbox, error: str) -> None:
    """Counts a failed try: exponential back-off, dead after the last one."""
    attempts = row.attempts + 1
    Outbox.objects.filter(pk=row.pk).update(
        attempts=F("attempts") + 1,
        error=error[:2000],
        state=OutboxState.DEAD if attempts >= OUTBOX_ATTEMPTS_MAX else OutboxState.WAITING,
        next_at=Now() + timedelta(seconds=2 ** (2 * attempts)),
    )


def replay_dead(*, row: Outbox, now: datetime) -> None:
    """A dead letter gets its tries again (operators)."""
    if not Outbox.objects.filter(pk=row.pk, state=OutboxState.DEAD).update(
        state=OutboxState.WAITING, attempts=0, next_at=now
    ):
        raise Conflict("Only dead letters can be replayed.", code="outbox_not_dead")


def forget_old_keys(*, now: datetime) -> int:
    """Idempotency keys live for a day, sent outbox rows for a month."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    Outbox.objects.filter(state=OutboxState.SENT, created_at__lt=now - timedelta(days=30)).delete()
    return deleted
