"""Upkeep of the queue of record, run by the schedule."""

from celery import shared_task
from django.utils import timezone

from jobs import operations
from stores.redis import redis_client


@shared_task(name="jobs.sweep", soft_time_limit=30, time_limit=40)
def sweep() -> None:
    """Every 10 s: what was lost on the way is woken, what failed too often is ended."""
    operations.sweep(now=timezone.now())


@shared_task(name="jobs.forget_old_keys", soft_time_limit=300, time_limit=320)
def forget_old_keys() -> None:
    """Every hour: idempotency keys and sent outbox rows past their time."""
    operations.forget_old_keys(now=timezone.now())


@shared_task(name="jobs.heartbeat", soft_time_limit=5, time_limit=8)
def heartbeat(queue: str) -> None:
    """Proof that a worker of this queue still takes messages; the supervisor looks at its age."""
    redis_client().set(f"heartbeat:{queue}", int(timezone.now().timestamp()), ex=600)
