"""The worker's side of the ledger: large imports, and what follows a decision."""

import logging
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task, shared_task
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from core.errors import BallastError
from edge import metrics
from jobs.leases import kept
from jobs.operations import Claim, LeaseLost, claim, release
from transactions.operations import imports, policies

logger = logging.getLogger(__name__)


@shared_task(
    name=imports.IMPORT,
    bind=True,
    soft_time_limit=settings.IMPORT_TIME_LIMIT_S,
    time_limit=settings.IMPORT_TIME_LIMIT_S + 10,
)
def work_on_import(self: "Task[Any, Any]", job_id: int) -> None:
    """Claims the job and does its step; a repeated or late message finds nothing to claim."""
    held = claim(job_id=job_id)
    if held is None:
        return
    done = [0]
    try:
        with metrics.job(imports.IMPORT), kept(held, percent=lambda: done[0]):
            imports.run(
                claim=held, now=timezone.now(), told=lambda percent: done.__setitem__(0, percent)
            )
    except LeaseLost:
        logger.info("job %s was cancelled or taken over", held.public_id)
    except SoftTimeLimitExceeded:
        _end(
            held,
            "computation_timeout",
            f"Not done within {settings.IMPORT_TIME_LIMIT_S} seconds: split the file.",
        )
    except BallastError as refusal:
        _end(held, refusal.code, refusal.detail)
    except DatabaseError:
        # The database went away under us: the lease runs out and the sweeper starts over.
        logger.exception("job %s lost its database", held.public_id)
        raise
    except Exception:
        logger.exception("job %s failed in attempt %d", held.public_id, held.attempt)
        if held.last:
            _end(held, "internal_error", "The import failed; operators have the details.")
        else:
            release(claim=held)


def _end(held: Claim, code: str, detail: str) -> None:
    imports.give_up(claim=held, code=code, detail=detail, now=timezone.now())


@shared_task(name="transactions.forget_old_imports", soft_time_limit=300, time_limit=320)
def forget_old_imports() -> None:
    """Every night: previews nobody decided on, and the rows of files long in the ledger."""
    imports.forget_old(now=timezone.now())


@shared_task(name="transactions.follow_identity_decisions")
def follow_identity_decisions() -> int:
    """Books anew what a decision on substantially identical assets reaches."""
    return policies.follow_identity_decisions(now=timezone.now())
