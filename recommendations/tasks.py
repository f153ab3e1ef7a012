"""The worker tasks of rebalances, harvests, allocations, nights and searches for replacements."""

import time
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from jobs.operations import work
from recommendations import operations
from recommendations.engine.arrays.warming import is_compiled, warm
from recommendations.operations import nightly
from recommendations.operations.nightly.chunks import fail_chunk, run_chunk
from recommendations.operations.strategies.forgetting import forget_closed_authors
from recommendations.operations.strategies.news import STRATEGY_NEWS, fail_news, run_news
from recommendations.operations.strategy_backtests import compute_backtests
from recommendations.operations.strategy_records import append_days
from recommendations.queries.nights import CHUNK, next_chunk, run_of_chunk


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
        run=lambda claim, now, told: operations.run_rebalance(claim=claim, now=now, told=told),
        give_up=operations.fail_account_job,
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
        run=lambda claim, now, told: operations.run_harvest(claim=claim, now=now, told=told),
        give_up=operations.fail_account_job,
        limit_s=settings.REBALANCE_TIME_LIMIT_S,
        clock=timezone.now,
    )


@shared_task(
    name=operations.FIT,
    bind=True,
    soft_time_limit=settings.REBALANCE_TIME_LIMIT_S,
    time_limit=settings.REBALANCE_TIME_LIMIT_S + 10,
)
def fit_allocation(self: "Task[Any, Any]", job_id: int) -> None:
    """Fit a model of target weights and try it out of sample."""
    work(
        job_id=job_id,
        run=lambda claim, now, told: operations.run_fit(claim=claim, now=now, told=told),
        give_up=operations.fail_fit,
        limit_s=settings.REBALANCE_TIME_LIMIT_S,
        clock=timezone.now,
    )


_NEWS_LIMIT_S = 120


@shared_task(name=STRATEGY_NEWS, soft_time_limit=_NEWS_LIMIT_S, time_limit=_NEWS_LIMIT_S + 10)
def strategy_news(job_id: int) -> None:
    """Tell the followers of a strategy of its new version."""
    work(
        job_id=job_id,
        run=lambda claim, now, told: run_news(claim=claim, now=now),
        give_up=fail_news,
        limit_s=_NEWS_LIMIT_S,
        clock=timezone.now,
    )


@shared_task(name="recommendations.find_replacements", soft_time_limit=1_800, time_limit=1_810)
def find_replacements() -> int:
    """Every night: compare the prices of all securities, for replacements of a loss."""
    return operations.find_replacements(now=timezone.now())


# A worker takes one chunk of a night after the other for so long; then its queue gets a turn.
_TURN_S = 120


@shared_task(
    name=CHUNK,
    soft_time_limit=_TURN_S + settings.NIGHTLY_CHUNK_LIMIT_S,
    time_limit=_TURN_S + settings.NIGHTLY_CHUNK_LIMIT_S + 10,
)
def nightly_chunk(job_id: int) -> None:
    """Compute a chunk of a night, then others of the same night that nobody works on.

    No message is needed between two chunks, so a night goes on while the broker is away.
    """
    warm()
    run_id = run_of_chunk(job_id=job_id)
    started = time.monotonic()
    taken: int | None = job_id
    while taken is not None:
        work(
            job_id=taken,
            run=lambda claim, now, told: run_chunk(claim=claim, now=now, told=told),
            give_up=fail_chunk,
            limit_s=settings.NIGHTLY_CHUNK_LIMIT_S,
            clock=timezone.now,
        )
        nightly.end_if_done(run_id=run_id, now=timezone.now())
        spent = time.monotonic() - started
        taken = next_chunk(run_id=run_id) if spent < _TURN_S else None


@shared_task(name="recommendations.compile_engine", soft_time_limit=600, time_limit=660)
def compile_engine() -> None:
    """Every minute: compile the engine if this version of it was not; the pages wait for it."""
    if not is_compiled():
        warm()


@shared_task(name="recommendations.begin_night", soft_time_limit=600, time_limit=660)
def begin_night() -> None:
    """Every 10 minutes: begin the night after the last session, if it is due."""
    nightly.begin_due_night(now=timezone.now())


@shared_task(name="recommendations.append_strategy_days", soft_time_limit=3_600, time_limit=3_610)
def append_strategy_days() -> int:
    """Every hour: append the days of records, and backtest what was newly published.

    The names of authors who closed their log-in are forgotten first.
    """
    now = timezone.now()
    forget_closed_authors()
    days = append_days(now=now)
    compute_backtests(now=now)
    return days


@shared_task(name="recommendations.forget_old_nights", soft_time_limit=600, time_limit=660)
def forget_old_nights() -> None:
    """Once a day: delete what nights of long ago kept."""
    nightly.forget_old_nights(now=timezone.now())
