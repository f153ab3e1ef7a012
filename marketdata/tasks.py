"""Scheduled maintenance."""

import logging

from celery import shared_task
from django.utils import timezone

from marketdata.operations import ensure_partitions as ensure
from marketdata.operations import forget_old_ticks

logger = logging.getLogger(__name__)


@shared_task(name="marketdata.ensure_partitions", soft_time_limit=60, time_limit=90)
def ensure_partitions() -> None:
    """Create partitions ahead of time, alert if a price has none, and drop old trades."""
    today = timezone.now().date()
    made, dropped = ensure(as_of=today), forget_old_ticks(as_of=today)
    if made or dropped:
        logger.info("made %s; dropped %s", ", ".join(made), ", ".join(dropped))
