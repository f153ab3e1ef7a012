"""The worker tasks of a rebalance."""

from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from jobs.operations import work
from recommendations import operations


@shared_task(
    name=operations.REBALANCE,
    bind=True,
    soft_time_limit=settings.REBALANCE_TIME_LIMIT_S,
    time_limit=settings.REBALANCE_TIME_LIMIT_S + 10,
)
def rebalance(self: "Task[Any, Any]", job_id: int) -> None:
    """Compute a rebalance."""
    work(
        job_id=job_id,
        run=lambda claim, now, told: operations.run_rebalance(claim=claim, now=now),
        give_up=operations.fail_rebalance,
        limit_s=settings.REBALANCE_TIME_LIMIT_S,
        clock=timezone.now,
    )
