"""Scheduled maintenance."""

import logging

from celery import shared_task
from django.utils import timezone

from marketdata.operations import ensure_partitions as ensure

logger = logging.getLogger(__name__)


@shared_task(name="marketdata.ensure_partitions", soft_time_limit=60, time_limit=90)
def ensure_partitions() -> None:
    """Create partitions for the coming years; alert if a price has none."""
    made = ensure(as_of=timezone.now().date())
    if made:
        logger.info("made %s", ", ".join(made))
