"""Workers, queues, dead letters, the nightly run and the verification of the ledger."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.utils import timezone

from jobs.metrics import WAITING_WORK
from jobs.models import Job, JobStatus, Queue
from monitoring.findings import Finding, age_text, fine, problem, warning
from recommendations.models import NightlyRun, NightState
from recommendations.queries.nights import progress
from stores.redis import redis_client
from stores.rows import rows_of
from transactions.models import VerificationRun

# A busy worker of the night writes no heartbeat between two long statements.
HEARTBEAT_S_MAX = {Queue.INTERACTIVE: 120.0, Queue.IMPORTS: 120.0, Queue.NIGHTLY: 3600.0}
DUE_S_MAX = {Queue.INTERACTIVE: 60.0, Queue.IMPORTS: 900.0, Queue.NIGHTLY: 14_400.0}
EVENTS_S_MAX, DELIVERIES_S_MAX = 300.0, 600.0
NIGHT_DAYS_MAX, VERIFIED_DAYS_MAX = 5, 8

_DUE = """
SELECT queue, count(*), EXTRACT(epoch FROM now() - min(next_at))::float8
  FROM jobs_job WHERE status = 'pending' AND next_at <= now() GROUP BY queue
"""
_EVENTS = """
SELECT count(*), COALESCE(EXTRACT(epoch FROM now() - min(created_at)), 0)::float8
  FROM jobs_outbox WHERE state = 'waiting'
"""
_DELIVERIES = """
SELECT channel, count(*), EXTRACT(epoch FROM now() - min(next_at))::float8
  FROM notifications_delivery WHERE state = 'waiting' AND next_at <= now() GROUP BY channel
"""
_DEAD = """
SELECT (SELECT count(*) FROM jobs_outbox WHERE state = 'dead'),
       (SELECT count(*) FROM notifications_delivery WHERE state = 'dead')
"""


def workers() -> Iterator[Finding]:
    """A worker of each queue is alive, and the scheduler sends messages."""
    now = time.time()
    silent = []
    for queue, silence_s_max in HEARTBEAT_S_MAX.items():
        beat = cast("bytes | None", redis_client().get(f"heartbeat:{queue.value}"))
        if beat is None or now - int(beat) > silence_s_max:
            silent.append(queue.value)
    if silent:
        yield problem(
            f"No worker of the queues {', '.join(silent)} has shown a sign of life.",
            "Start the workers: celery -A config worker -Q QUEUE. `make run` starts all of them.",
        )
    if not WAITING_WORK.last():
        yield problem(
            "No scheduled task has run for two minutes.",
            "Start the scheduler (celery -A config beat) and a worker of the queue notify.",
        )
    elif not silent:
        yield fine("Workers of all queues and the scheduler are alive.")


def queues() -> Iterator[Finding]:
    """How long jobs, events and deliveries have been due."""
    late = False
    for name, count, age_s in rows_of(_DUE, {}):
        if age_s > DUE_S_MAX[Queue(name)]:
            late = True
            yield problem(
                f"{count} jobs of the queue {name} are due, the oldest for {age_text(age_s)}.",
                f"Is a worker of {name} alive, or busy with one long job? See jobs in the admin.",
            )
    [(events, age_s)] = rows_of(_EVENTS, {})
    if age_s > EVENTS_S_MAX:
        late = True
        yield problem(
            f"{events} events wait to be relayed, the oldest for {age_text(age_s)}.",
            "Start workers of the queues urgent and deliveries.",
        )
    for channel, count, age_s in rows_of(_DELIVERIES, {}):
        if age_s > DELIVERIES_S_MAX:
            late = True
            yield problem(
                f"{count} deliveries by {channel} are due, the oldest for {age_text(age_s)}.",
                "See their last fault in the admin. For email: does EMAIL_HOST take mails?",
            )
    if not late:
        yield fine("No job, event or delivery is late.")


def dead_letters() -> Iterator[Finding]:
    """What failed for good and waits for an operator."""
    [(events, deliveries)] = rows_of(_DEAD, {})
    since = timezone.now() - timedelta(days=1)
    failed = Job.objects.filter(status=JobStatus.FAILED, created_at__gte=since).count()
    for count, what in ((events, "events"), (deliveries, "deliveries")):
        if count:
            yield warning(
                f"{count} {what} failed for good.",
                "Their faults are in the admin (state dead); mend the cause and send them again.",
            )
    if failed:
        yield warning(
            f"{failed} jobs of the last 24 hours failed.",
            "Their codes are in the admin, under jobs; retry them there once the cause is mended.",
        )
    if not events and not deliveries and not failed:
        yield fine("No dead letters, and no failed job of the last 24 hours.")


def nightly() -> Iterator[Finding]:
    """The last nightly run: whether guards stopped it, chunks failed or it is overdue."""
    if not settings.NIGHTLY_ENABLED:
        yield warning("Nights do not begin by themselves.", "Set NIGHTLY_ENABLED=1.")
        return
    run = NightlyRun.objects.order_by("-night").first()
    now = timezone.now()
    if run is None:
        yield fine("No night has run yet.")
        return
    if run.state == NightState.STOPPED:
        codes = ", ".join(sorted({finding["code"] for finding in run.findings}))
        yield problem(
            f"The night of {run.night} was stopped by its guards: {codes}.",
            "manage.py nightly --status shows what they found; mend it and begin the night again, "
            "or --overrule EMAIL.",
        )
        return
    if (now.date() - run.night).days > NIGHT_DAYS_MAX:
        yield warning(
            f"The last night was that of {run.night}.",
            "Is the scheduler running, and a worker of the queue nightly?",
        )
    found = progress(run=run, now=now)
    if found.failed:
        yield problem(
            f"{found.failed} of {found.chunks} chunks of the night of {run.night} failed.",
            "Their faults are in the admin, under nights; manage.py nightly begins them again.",
        )
    else:
        yield fine(
            f"Night of {run.night}: {run.state}, {found.done} of {found.chunks} chunks, "
            f"{found.accounts} of {run.accounts} accounts."
        )


def ledger() -> Iterator[Finding]:
    """The last verification of the ledger."""
    run = VerificationRun.objects.filter(finished_at__isnull=False).order_by("-finished_at").first()
    if run is None or run.finished_at is None:
        yield warning(
            "The ledger has never been verified.",
            "Run manage.py verify_ledger; it reads only and can be resumed.",
        )
        return
    if run.difference_count:
        yield problem(
            f"The last verification found {run.difference_count} differences in the ledger.",
            f"Run {run.pk} in the admin lists them. Stop imports, make a back-up, and compare.",
        )
    days = (timezone.now() - run.finished_at).days
    if days > VERIFIED_DAYS_MAX:
        yield warning(
            f"The ledger was verified {days} days ago.", "Run manage.py verify_ledger every week."
        )
    elif not run.difference_count:
        yield fine(
            f"Verified on {run.finished_at:%Y-%m-%d}: {run.accounts} accounts, no difference."
        )
