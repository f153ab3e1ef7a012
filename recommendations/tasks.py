"""The worker tasks of rebalances and harvests, and the nightly search for replacements."""

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


@shared_task(
    name=operations.HARVEST,
    bind=True,
    soft_time_limit=settings.REBALANCE_TIME_LIMIT_S,
    time_limit=settings.REBALANCE_TIME_LIMIT_S + 10,
)
def harvest(self: "Task[Any, Any]", job_id: int) -> None:
    """Compute a harvest."""
    work(
        job_id=job_id,
        run=lambda claim, now, told: operations.run_harvest(claim=claim, now=now),
        give_up=operations.fail_harvest,
        limit_s=settings.REBALANCE_TIME_LIMIT_S,
        clock=timezone.now,
    )


@shared_task(name="recommendations.find_replacements", soft_time_limit=1_800, time_limit=1_810)
def find_replacements() -> int:
    """Every night: compare the prices of all securities, for replacements of a loss."""
    return operations.find_replacements(now=timezone.now())
