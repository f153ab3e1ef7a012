"""The right to work on a job: taken, kept, given back, or used to write how the job ended.

    claim      one conditional UPDATE: pending and due, or processing with a lease that ran out
    complete   only WHERE attempt = mine: a worker that lost its lease writes nothing
    wait       give the job back uncounted: it met a lock, or a server out of reach
    try_again  give the job back counted: it met a fault

Leases and due times use the database's clock, so the clocks of workers do not matter.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, PositiveSmallIntegerField, QuerySet, Value, When
from django.db.models.functions import Greatest, Now

from core.limits import JOB_ATTEMPTS_MAX
from jobs.models import Job, JobStatus
from jobs.operations.askers import ensure_wanted
from jobs.operations.back_off import RETRY_S, WAIT_S, back_off
from jobs.operations.outbox import announce

# Extra tries after the last one, only to end the job properly; after these the sweeper ends it.
TRIES_MAX = 2 * JOB_ATTEMPTS_MAX


class LeaseLost(Exception):
    """Another worker has the job now, or it was cancelled: stop, and write nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job and to write its result, for one attempt."""

    job_id: int
    public_id: UUID
    kind: str
    queue: str
    attempt: int
    tries: int
    waits: int
    # It has waited too long.
    overdue: bool
    household_id: int | None
    requested_by_id: int | None
    subject_id: UUID
    params: Mapping[str, Any]

    @property
    def last(self) -> bool:
        return self.tries >= JOB_ATTEMPTS_MAX

    @property
    def spent(self) -> bool:
        """Return whether every try is used: this claim only ends the job as failed."""
        return self.tries > JOB_ATTEMPTS_MAX


_CLAIM = """
UPDATE jobs_job SET status = 'processing', attempt = attempt + 1, tries = tries + 1, progress = 0,
       lease_until = statement_timestamp() + make_interval(secs => %(lease_s)s),
       started_at = COALESCE(started_at, statement_timestamp())
 WHERE id = %(job_id)s AND cancel_requested_at IS NULL AND tries < %(tries_max)s
   AND ((status = 'pending' AND next_at <= statement_timestamp())
        OR (status = 'processing' AND lease_until < statement_timestamp()))
RETURNING public_id, kind, queue, attempt, tries, waits, give_up_at <= statement_timestamp(),
          household_id, requested_by_id, subject_id, params::text
"""


def claim(*, job_id: int) -> Claim | None:
    """Return the job for this worker; None if it is finished, cancelled, not due or another's."""
    values = {"job_id": job_id, "lease_s": settings.JOB_LEASE_S, "tries_max": TRIES_MAX}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
    if row is None:
        return None
    *known, params = row
    return Claim(*[job_id, *known, json.loads(params)])


def report_progress(*, claim: Claim, percent: int) -> None:
    """Write progress and renew the lease; raise LeaseLost if the job is no longer ours."""
    mine = _mine(claim).filter(cancel_requested_at__isnull=True)
    renewed = mine.update(
        progress=min(99, percent),
        lease_until=Now() + timedelta(seconds=settings.JOB_LEASE_S),
    )
    if not renewed:
        raise LeaseLost(f"job {claim.public_id} attempt {claim.attempt}")


def ensure_ours(*, claim: Claim) -> None:
    """Raise LeaseLost if the job was cancelled or taken over, AccessWithdrawn like `complete`."""
    found = Job.objects.filter(pk=claim.job_id).values_list("status", "attempt").first()
    if found not in (None, (JobStatus.PROCESSING, claim.attempt)):
        raise LeaseLost(f"job {claim.public_id} attempt {claim.attempt}")
    ensure_wanted(job_id=claim.job_id, household_id=claim.household_id)


@contextmanager
def result_written() -> Iterator[None]:
    """Open the transaction of a result; the server ends it if the worker stops in its middle.

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
    """Write the result, once. Call it last in the transaction that writes the job's rows.

    Raise LeaseLost if the job is no longer ours, AccessWithdrawn if nobody who asked has access.
    """
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
    ensure_wanted(job_id=claim.job_id, household_id=claim.household_id, until_commit=True)


def fail(
    *,
    claim: Claim,
    code: str,
    detail: str,
    account_name: str,
    now: datetime,
    about: Mapping[str, Any] | None = None,
) -> None:
    """End the job as failed and announce that; raise LeaseLost if the job is no longer ours.

    about: what the announcement names instead, where the job is not about an account.
    Call it last in the transaction that writes the failure to the kind's own rows.
    """
    with transaction.atomic():
        if not _mine(claim).update(
            status=JobStatus.FAILED,
            error={"code": code, "detail": detail},
            lease_until=None,
            finished_at=Now(),
        ):
            raise LeaseLost(f"job {claim.public_id} attempt {claim.attempt}")
        announce_failure(
            kind=claim.kind,
            public_id=claim.public_id,
            attempt=claim.attempt,
            household_id=claim.household_id,
            asked_by_id=claim.requested_by_id,
            payload={
                **(
                    {"account_id": str(claim.subject_id), "account_name": account_name}
                    if about is None
                    else about
                ),
                "code": code,
                "detail": detail,
            },
            now=now,
        )


def announce_failure(
    *,
    kind: str,
    public_id: UUID,
    attempt: int,
    household_id: int | None,
    asked_by_id: int | None,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write the message that a job failed; work of the system itself has no recipient."""
    if household_id is None:
        return
    name = kind.rsplit(".", 1)[-1]
    announce(
        topic=f"{name}_failed",
        household_id=household_id,
        asked_by_id=asked_by_id,
        dedup_key=f"{name}:{public_id}:{attempt}",
        payload={"job_id": str(public_id), **payload},
        now=now,
    )


def wait(*, claim: Claim) -> bool:
    """Give the job back uncounted, due after a back-off; return False if it was no longer ours.

    A job that has waited too long has no tries left: its next claim ends it.
    """
    return bool(
        _mine(claim).update(
            status=JobStatus.PENDING,
            lease_until=None,
            waits=F("waits") + 1,
            tries=Case(
                When(give_up_at__gt=Now(), then=Greatest(F("tries") - 1, Value(0))),
                default=Greatest(F("tries"), Value(JOB_ATTEMPTS_MAX)),
                output_field=PositiveSmallIntegerField(),
            ),
            next_at=Now() + back_off(claim.waits + 1, *WAIT_S),
        )
    )


def try_again(*, claim: Claim) -> bool:
    """Give the job back after a fault, due after a back-off; return False if no longer ours."""
    return bool(
        _mine(claim).update(
            status=JobStatus.PENDING,
            lease_until=None,
            next_at=Now() + back_off(claim.tries, *RETRY_S),
        )
    )


def _mine(claim: Claim) -> "QuerySet[Job]":
    return Job.objects.filter(pk=claim.job_id, attempt=claim.attempt, status=JobStatus.PROCESSING)
