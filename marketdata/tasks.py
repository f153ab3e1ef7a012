"""Scheduled work: partitions, exchange rates, and the histories of vendors."""

import logging
import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketdata import operations
from marketdata.operations.asking import note_vendors
from marketdata.operations.disagreements import forget_old_disagreements
from marketdata.operations.histories import load_due_histories
from marketdata.operations.other_listings import list_elsewhere
from marketdata.operations.rates import refresh_rates as refresh

logger = logging.getLogger(__name__)

# Histories load for so long, then the queue gets its turn; the next run goes on.
_HISTORIES_S = 100


@shared_task(name="marketdata.ensure_partitions", soft_time_limit=60, time_limit=90)
def ensure_partitions() -> None:
    """Create partitions ahead of time, alert if a price has none, and drop what is old."""
    today = timezone.now().date()
    made = operations.ensure_partitions(as_of=today)
    dropped = operations.forget_old_ticks(as_of=today)
    forget_old_disagreements(now=timezone.now())
    if made or dropped:
        logger.info("made %s; dropped %s", ", ".join(made), ", ".join(dropped))


@shared_task(name="marketdata.archive_prices", soft_time_limit=3 * 3600, time_limit=3 * 3600 + 60)
def archive_prices() -> None:
    """Write finished months again in order, and move old prices between tiers.

    Interrupted anywhere, the next run goes on.
    """
    now = timezone.now()
    settled = operations.settle_minutes(as_of=now.date())
    if settled:
        logger.info("settled %s", ", ".join(settled))
    if not settings.PRICE_ARCHIVE_ENABLED:
        return
    for one in operations.archive_prices(as_of=now.date(), now=now):
        logger.info("%s: %s to %s: %s", one.name, one.source, one.target, one.outcome)


@shared_task(name="marketdata.refresh_rates", soft_time_limit=170, time_limit=180)
def refresh_rates() -> None:
    """Every four minutes: ask for new exchange rates if they are due, and warm the cache."""
    now = timezone.now()
    note_vendors(now=now)
    found = refresh(now=now)
    if found.written:
        logger.info("%d exchange rates from %s", found.written, found.source)


@shared_task(name="marketdata.load_histories", soft_time_limit=290, time_limit=300)
def load_histories() -> None:
    """Every minute: load the histories that are due, and list new assets at all vendors."""
    until = time.monotonic() + _HISTORIES_S
    now = timezone.now()
    done = load_due_histories(now=now, stop=lambda: time.monotonic() > until)
    for one in list_elsewhere(now=now, stop=lambda: time.monotonic() > until):
        logger.info("%s is listed as %s too", one.asset, one)
    if done:
        written = sum(one.written for one in done)
        logger.info("asked for the sessions of %d listings, wrote %d", len(done), written)
