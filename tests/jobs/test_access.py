"""A job belongs to its household: users who lose access to it lose the jobs they requested."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from identity.operations.households import withdraw_adviser
from jobs import operations
from jobs.models import Job, JobStatus
from notifications.models import Notice
from notifications.operations import relay

pytestmark = pytest.mark.django_db


def _finish(job: Job, *, asked_by_id: int) -> None:
    assert job.household_id is not None
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(
            status=JobStatus.COMPLETED, result={"trades": 1}, finished_at=timezone.now()
        )
        operations.announce(
            topic="rebalance_complete",
            household_id=job.household_id,
            dedup_key="rebalance:1",
            payload={"job_id": str(job.public_id), "account_id": "a", "trades": 1},
            now=timezone.now(),
            asked_by_id=asked_by_id,
        )


def test_a_withdrawn_adviser_sees_nothing_of_the_job_they_asked_for(
    people: Any, client_of: Callable[[Any], Any], django_capture_on_commit_callbacks: Any
) -> None:
    adviser, owner = client_of(people.adviser), client_of(people.owner)
    job = operations.enqueue(
        kind="tests.counting",
        queue="interactive",
        user=people.adviser,
        household_id=people.owner.household_id,
        subject_id=uuid4(),
        params={},
        now=timezone.now(),
        estimate_s=1,
    )
    address = f"/api/v1/jobs/{job.public_id}"
    assert adviser.get(address).status_code == owner.get(address).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        withdraw_adviser(user=people.owner, adviser_id=people.adviser.public_id)
    for answer in (adviser.get(address), adviser.post(f"{address}/cancel")):
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING

    _finish(job, asked_by_id=people.adviser.pk)
    relay(now=timezone.now())
    assert set(Notice.objects.values_list("user__email", flat=True)) == {
        people.owner.email,
        people.spouse.email,
    }
    assert adviser.get(address).status_code == 404
    assert owner.get(address).json()["result"] == {"trades": 1}
