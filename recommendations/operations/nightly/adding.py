"""Add chunks to a night: a job for each range of account ids."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from core.identifiers import content_hash, uuid7
from jobs.models import Job, Queue
from jobs.operations.worker_messages import wake
from recommendations.models import NightlyRun
from recommendations.queries.nights import CHUNK

# Chunks that get a message at once; a worker takes the next one itself when it has ended one.
_WOKEN = 8


def add_chunks(run: NightlyRun, found: Sequence[tuple[int, int, int]], now: datetime) -> None:
    """Add chunks (first id, last id, accounts) in the running transaction; wake some workers."""
    NightlyRun.objects.filter(pk=run.pk).update(chunks=F("chunks") + len(found))
    params = [{"run_id": run.pk, "first": first, "last": last} for first, last, _ in found]
    jobs = Job.objects.bulk_create(
        Job(
            public_id=uuid7(),
            kind=CHUNK,
            queue=Queue.NIGHTLY,
            subject_id=run.public_id,
            params=one,
            params_hash=content_hash(one),
            created_at=now,
            woken_at=now,
            estimated_completion=now + timedelta(seconds=600),
        )
        for one in params
    )
    ids = [job.pk for job in jobs[:_WOKEN]]

    def wake_some() -> None:
        for job_id in ids:
            wake(job_id=job_id, kind=CHUNK, queue=Queue.NIGHTLY)

    transaction.on_commit(wake_some, robust=True)
