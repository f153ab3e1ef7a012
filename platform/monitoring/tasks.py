"""What the schedule measures."""

from celery import shared_task
from django.utils import timezone

from monitoring import measuring


@shared_task(name="monitoring.measure", soft_time_limit=20, time_limit=25)
def measure() -> None:
    """Every 30 s: connections, night, ledger, newest price and back-up, for /metrics."""
    measuring.measure(now=timezone.now())
