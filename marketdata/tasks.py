"""Scheduled maintenance."""

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketdata.operations import archive_prices as archive
from marketdata.operations import ensure_partitions as ensure
from marketdata.operations import forget_old_ticks, settle_minutes

logger = logging.getLogger(__name__)


@shared_task(name="marketdata.ensure_partitions", soft_time_limit=60, time_limit=90)
def ensure_partitions() -> None:
    """Create partitions ahead of time, alert if a price has none, and drop old trades."""
    today = timezone.now().date()
    made, dropped = ensure(as_of=today), forget_old_ticks(as_of=today)
    if made or dropped:
        logger.info("made %s; dropped %s", ", ".join(made), ", ".join(dropped))


@shared_task(name="marketdata.archive_prices", soft_time_limit=3 * 3600, time_limit=3 * 3600 + 60)
def archive_prices() -> None:
    """Write finished months again in order, and move old prices between tiers.

    Interrupted anywhere, the next run goes on.
    """
    now = timezone.now()
    settled = settle_minutes(as_of=now.date())
    if settled:
        logger.info("settled %s", ", ".join(settled))
    if not settings.PRICE_ARCHIVE_ENABLED:
        return
    for one in archive(as_of=now.date(), now=now):
        logger.info("%s: %s to %s: %s", one.name, one.source, one.target, one.outcome)
