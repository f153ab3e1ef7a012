"""The sweeper: wakes jobs whose message was lost or whose worker died, and ends hopeless ones."""

from datetime import datetime

from django.db import connection, transaction

from core.limits import WAKE_UPS_WAITING_MAX
from jobs.models import Queue
from jobs.operations.claims import TRIES_MAX, announce_failure
from jobs.operations.worker_messages import depths, wake

# Jobs that no worker of their kind could end properly. The kind's own rows stay as they are.
_ABANDONED = """
UPDATE jobs_job SET status = 'failed', lease_until = NULL, finished_at = statement_timestamp(),
       error = jsonb_build_object('code', 'attempts_exhausted', 'detail', %(detail)s::text)
 WHERE tries >= %(tries_max)s
   AND (status = 'pending' OR (status = 'processing' AND lease_until < statement_timestamp()))
RETURNING public_id, kind, attempt, household_id, requested_by_id, subject_id::text
"""
# A job is woken again after 8 s. Each later pause is as long as the job has been due already, so
# a backlog of thousands is not sent again at once.
# MATERIALIZED: a plan may run a subquery once for each row it updates, and each run would skip the
# rows of the run before: the limit would not hold.
_DUE = """
WITH due AS MATERIALIZED (
    SELECT id FROM jobs_job
     WHERE queue = %(queue)s
       AND ((status = 'pending' AND next_at <= statement_timestamp())
            OR (status = 'processing' AND lease_until < statement_timestamp()))
       AND woken_at < statement_timestamp() - LEAST(
            interval '10 minutes',
            GREATEST(interval '8 seconds', woken_at - COALESCE(lease_until, next_at)))
     ORDER BY woken_at, id LIMIT %(room)s FOR UPDATE SKIP LOCKED)
UPDATE jobs_job job SET woken_at = statement_timestamp() FROM due WHERE job.id = due.id
RETURNING job.id, job.kind
"""

EXHAUSTED_DETAIL = "The job was started several times and never ended. Start it again."


def sweep(*, now: datetime) -> tuple[int, int]:
    """Wake due jobs that no worker has claimed, end hopeless ones; return (woken, failed)."""
    failed = _end_abandoned(now)
    return _wake_due(), failed


def _end_abandoned(now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ABANDONED, {"tries_max": TRIES_MAX, "detail": EXHAUSTED_DETAIL})
        failed = cursor.fetchall()
        for public_id, kind, attempt, household_id, requested_by_id, subject_id in failed:
            announce_failure(
                kind=kind,
                public_id=public_id,
                attempt=attempt,
                household_id=household_id,
                asked_by_id=requested_by_id,
                payload={
                    "account_id": subject_id,
                    "code": "attempts_exhausted",
                    "detail": EXHAUSTED_DETAIL,
                },
                now=now,
            )
    return len(failed)


def _wake_due() -> int:
    """Send as many wake-ups as the workers of each queue can take soon."""
    waiting = depths(Queue.values)
    if waiting is None:
        return 0  # no broker: the next sweep finds the same jobs
    woken = 0
    for queue in Queue.values:
        room = WAKE_UPS_WAITING_MAX - waiting[queue]
        if room <= 0:
            continue
        with connection.cursor() as cursor:
            cursor.execute(_DUE, {"queue": queue, "room": room})
            due = cursor.fetchall()
        for job_id, kind in due:
            wake(job_id=job_id, kind=kind, queue=queue)
        woken += len(due)
    return woken
