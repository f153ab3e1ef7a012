"""Requests for jobs, their cancellation and their retry."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from core.errors import Conflict
from core.identifiers import content_hash
from core.limits import JOB_TWIN_S_MAX
from identity.models import User
from jobs.models import ACTIVE, WAIT_MAX, Job, JobStatus
from jobs.operations.askers import join
from jobs.operations.worker_messages import wake


def enqueue(
    *,
    kind: str,
    queue: str,
    user: User | None,
    household_id: int | None,
    subject_id: UUID,
    params: Mapping[str, Any],
    now: datetime,
    estimate_s: float,
    still_true: Callable[[Job], bool] | None = None,
) -> Job:
    """Return the job for this request: a new one, or an identical one that is still active.

    A job for which several users asked goes on while one of them has access to the household.
    An identical job completed in the last seconds is returned too if `still_true` finds that its
    result would come out the same now.
    """
    params_hash = content_hash(dict(params))
    same = {"kind": kind, "subject_id": subject_id, "params_hash": params_hash}
    recent = Now() - timedelta(seconds=JOB_TWIN_S_MAX)
    twins = Q(status__in=ACTIVE) | Q(status=JobStatus.COMPLETED, finished_at__gt=recent)
    active_first = F("finished_at").desc(nulls_first=True)
    for _ in range(3):
        found = Job.objects.filter(twins, **same).order_by(active_first).first()
        if found is not None and found.status in ACTIVE:
            if not join(job=found, user=user):
                continue
            return found
        if found is not None and still_true is not None and still_true(found):
            return found
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    **same,
                    queue=queue,
                    household_id=household_id,
                    requested_by=user,
                    params=dict(params),
                    created_at=now,
                    woken_at=now,
                    estimated_completion=now + timedelta(seconds=estimate_s),
                )
        except IntegrityError:
            continue
        _wake_after_commit(job)
        return job
    raise Conflict(
        "The same job is being started repeatedly. Try again.",
        code="job_contended",
    )


def _wake_after_commit(job: Job) -> None:
    transaction.on_commit(lambda: wake(job_id=job.pk, kind=job.kind, queue=job.queue), robust=True)


def cancel(*, job: Job) -> None:
    """Cancel an unfinished job at once; the worker that holds it can no longer write a result."""
    cancelled = Job.objects.filter(pk=job.pk, status__in=ACTIVE).update(
        status=JobStatus.CANCELLED,
        cancel_requested_at=Now(),
        lease_until=None,
        finished_at=Now(),
    )
    if not cancelled:
        job.refresh_from_db()
        if job.status != JobStatus.CANCELLED:
            raise Conflict(
                f"The job is already {job.status}. Start a new one.", code="job_finished"
            )


def retry(*, job: Job, now: datetime) -> Job:
    """Restart a failed or cancelled job with all its attempts (operators)."""
    try:
        with transaction.atomic():
            changed = Job.objects.filter(
                pk=job.pk, status__in=[JobStatus.FAILED, JobStatus.CANCELLED]
            ).update(
                status=JobStatus.PENDING,
                tries=0,
                waits=0,
                next_at=Now(),
                give_up_at=Now() + WAIT_MAX,
                progress=0,
                error=None,
                cancel_requested_at=None,
                finished_at=None,
                woken_at=now,
            )
            if not changed:
                raise Conflict(
                    "Only failed or cancelled jobs can be retried. Select one of those.",
                    code="job_not_retriable",
                )
            _wake_after_commit(job)
    except IntegrityError:
        # job_active_unique: an identical request was made in the meantime.
        raise Conflict("The same job is already running. Wait for it.", code="job_active") from None
    job.refresh_from_db()
    return job
