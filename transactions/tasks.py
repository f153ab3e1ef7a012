"""Background tasks of the ledger: imports, rebookings, corporate actions, orders at brokers."""

from functools import partial
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from jobs.operations import work
from transactions.operations import actions, imports, rebookings
from transactions.operations.orders import following


@shared_task(
    name=imports.IMPORT,
    bind=True,
    soft_time_limit=settings.IMPORT_TIME_LIMIT_S,
    time_limit=settings.IMPORT_TIME_LIMIT_S + 10,
)
def work_on_import(self: "Task[Any, Any]", job_id: int) -> None:
    """Read, commit or undo a file."""
    work(
        job_id=job_id,
        run=imports.run,
        give_up=imports.give_up,
        limit_s=settings.IMPORT_TIME_LIMIT_S,
        clock=timezone.now,
    )


@shared_task(name="transactions.forget_old_imports", soft_time_limit=300, time_limit=320)
def forget_old_imports() -> None:
    """Every night: delete previews left undecided, and the rows of files committed long ago."""
    imports.forget_old(now=timezone.now())


@shared_task(name="transactions.follow_identity_decisions", soft_time_limit=1_800, time_limit=1_810)
def follow_identity_decisions() -> int:
    """Rebook households affected by decisions on substantially identical assets, for a minute.

    The time limit is for one household with very many transactions.
    """
    return rebookings.follow_identity_decisions(now=timezone.now(), clock=timezone.now)


@shared_task(name=actions.FOLLOW, bind=True, soft_time_limit=1_800, time_limit=1_810)
def follow_corporate_action(self: "Task[Any, Any]", job_id: int) -> None:
    """Book or reverse a corporate action in the ledgers of all households, for some minutes.

    The time limit is for one household with very many transactions.
    """
    work(
        job_id=job_id,
        run=partial(actions.run, clock=timezone.now),
        give_up=actions.give_up,
        limit_s=1_800,
        clock=timezone.now,
    )


@shared_task(name="transactions.follow_corporate_actions", soft_time_limit=60, time_limit=90)
def follow_corporate_actions() -> int:
    """Every minute: start jobs for corporate actions that are due in some household."""
    return actions.follow_actions(now=timezone.now())


@shared_task(name=following.FOLLOW, bind=True, soft_time_limit=60, time_limit=70)
def follow_order(self: "Task[Any, Any]", job_id: int) -> None:
    """Look for an order at its broker, send it if it is not there, and record what was filled."""
    work(
        job_id=job_id,
        run=following.run,
        give_up=following.give_up,
        limit_s=60,
        clock=timezone.now,
    )


@shared_task(name="transactions.follow_orders", soft_time_limit=30, time_limit=40)
def follow_orders() -> int:
    """Every five seconds: start jobs for the orders at brokers that are due to be looked at."""
    return following.follow_due(now=timezone.now())
