"""The gauges of waiting work agree with the tables and the broker."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from edge.metrics import exposition
from jobs import operations
from jobs.metrics import WAITING_WORK
from jobs.models import Job
from jobs.operations.measuring import measure

pytestmark = pytest.mark.django_db


def ask(user: Any, queue: str) -> Job:
    return operations.enqueue(
        kind="recommendations.rebalance",
        queue=queue,
        user=user,
        household_id=user.household_id,
        subject_id=uuid4(),
        params={},
        now=timezone.now(),
        estimate_s=2,
    )


def test_waiting_and_running_work_is_counted_and_shown_to_prometheus(people: Any) -> None:
    WAITING_WORK.keep({})
    assert b"ballast_jobs_waiting" not in exposition(), "nothing is known: nothing is claimed"
    waiting, held, importing = (
        ask(people.owner, q) for q in ("interactive", "interactive", "imports")
    )
    assert operations.claim(job_id=held.pk) is not None
    now = timezone.now()
    Job.objects.filter(pk=waiting.pk).update(next_at=now - timedelta(seconds=90))
    Job.objects.filter(pk=importing.pk).update(next_at=now - timedelta(seconds=30))
    with transaction.atomic():
        operations.announce(
            topic="t",
            household_id=people.owner.household_id,
            dedup_key="k",
            payload={},
            now=now - timedelta(seconds=60),
        )
    figures = measure(now=now)
    assert figures["ballast_jobs_waiting"] == {"interactive": 1, "imports": 1, "nightly": 0}
    assert figures["ballast_jobs_running"] == {"interactive": 1, "imports": 0, "nightly": 0}
    oldest = figures["ballast_jobs_oldest_due_seconds"]
    assert oldest == {"interactive": 90, "imports": 30, "nightly": 0}
    assert figures["ballast_outbox_rows"] == {"waiting": 1, "dead": 0}
    assert figures["ballast_outbox_oldest_seconds"] == {"waiting": 60, "dead": 0}
    assert set(figures["ballast_queue_messages"]) == {
        *("interactive", "imports", "nightly", "notify", "urgent", "deliveries")
    }
    lines = exposition().decode().splitlines()
    assert 'ballast_jobs_waiting{queue="imports"} 1.0' in lines
    assert 'ballast_jobs_oldest_due_seconds{queue="interactive"} 90.0' in lines
    assert 'ballast_outbox_rows{state="dead"} 0.0' in lines
