"""The relay and the channels. They run after each commit that left work, and on the schedule.

Each runs twice over: in the queue `urgent` for single events, in `deliveries` for those of a flood.
"""

from typing import Any

from celery import Task, shared_task
from django.utils import timezone

from jobs.operations import work
from notifications import operations
from notifications.operations import news_of_money, own_data
from notifications.operations.delivering import BUDGET_S
from notifications.operations.measuring import measure as measure_deliveries
from notifications.queries.own_data import COLLECT


@shared_task(name="notifications.relay", soft_time_limit=60, time_limit=90)
def relay(urgent: bool) -> None:
    """Fan out waiting outbox rows."""
    operations.relay(now=timezone.now(), urgent=urgent)


@shared_task(name="notifications.deliver", soft_time_limit=100, time_limit=110)
def deliver(channel: str, urgent: bool) -> None:
    """Send what is due on a channel."""
    operations.deliver(channel=channel, urgent=urgent, clock=timezone.now, budget_s=BUDGET_S)


@shared_task(name="notifications.watch_prices", soft_time_limit=50, time_limit=60)
def watch_prices() -> None:
    """Every few seconds: announce the price alerts that the newest prices cross."""
    operations.watch_prices(now=timezone.now())


@shared_task(name="notifications.measure", soft_time_limit=10, time_limit=15)
def measure() -> None:
    """Every 15 s: count due and dead deliveries, for /metrics."""
    measure_deliveries(now=timezone.now())


@shared_task(name="notifications.announce_day", soft_time_limit=280, time_limit=300)
def announce_day() -> None:
    """Every few minutes: announce drifts of the last night, and the dates of today."""
    operations.announce_drifts(now=timezone.now())
    operations.announce_dates(now=timezone.now())
    news_of_money.announce_dividends(now=timezone.now())
    news_of_money.announce_losses(now=timezone.now())
    news_of_money.announce_statements(now=timezone.now())


@shared_task(name="notifications.forget_old", soft_time_limit=900, time_limit=920)
def forget_old() -> None:
    """Every night: delete deliveries older than a month, and archives that have expired."""
    operations.forget_old(now=timezone.now())
    own_data.forget_expired(now=timezone.now())


@shared_task(name=COLLECT, bind=True, soft_time_limit=900, time_limit=920)
def collect_own_data(self: "Task[Any, Any]", job_id: int) -> None:
    """Collect everything about one person into an archive."""
    work(
        job_id=job_id,
        run=own_data.run,
        give_up=own_data.give_up,
        limit_s=900,
        clock=timezone.now,
    )
