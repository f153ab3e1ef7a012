"""The relay. It runs after each commit that wrote an outbox row, and on the schedule."""

from celery import shared_task
from django.utils import timezone

from notifications import operations


@shared_task(name="notifications.relay", soft_time_limit=60, time_limit=90)
def relay() -> None:
    """Deliver waiting outbox rows."""
    operations.relay(now=timezone.now())
