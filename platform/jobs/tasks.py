"""Upkeep of the queue of record, run by the schedule."""

from celery import shared_task
from django.utils import timezone

from jobs import operations
from jobs.operations.measuring import measure as measure_backlog
from jobs.operations.working import beat


@shared_task(name="jobs.sweep", soft_time_limit=30, time_limit=40)
def sweep() -> None:
    """Every 10 s: wake jobs whose message was lost; end jobs that no worker could end."""
    operations.sweep(now=timezone.now())


@shared_task(name="jobs.measure", soft_time_limit=10, time_limit=15)
def measure() -> None:
    """Every 15 s: count the waiting work, for /metrics."""
    measure_backlog(now=timezone.now())


@shared_task(name="jobs.forget_old_keys", soft_time_limit=300, time_limit=320)
def forget_old_keys() -> None:
    """Every hour: delete idempotency keys and sent outbox rows past their time."""
    now = timezone.now()
    operations.forget_old_keys(now=now)
    operations.forget_sent(now=now)


@shared_task(name="jobs.heartbeat", soft_time_limit=5, time_limit=8)
def heartbeat(queue: str) -> None:
    """Show that a worker of this queue takes messages."""
    beat(queue=queue, now=timezone.now())
