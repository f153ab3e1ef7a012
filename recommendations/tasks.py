"""The worker's side of a rebalance."""

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
from jobs.operations import LeaseLost, claim, release
from recommendations import operations

logger = logging.getLogger(__name__)


@shared_task(
    name=operations.REBALANCE,
    bind=True,
    soft_time_limit=settings.REBALANCE_TIME_LIMIT_S,
    time_limit=settings.REBALANCE_TIME_LIMIT_S + 10,
)
def rebalance(self: "Task[Any, Any]", job_id: int) -> None:
    """Claims the job and computes it; a repeated or late message finds nothing to claim."""
    held = claim(job_id=job_id)
    if held is None:
        return
    try:
        with metrics.job(operations.REBALANCE), kept(held):
            operations.run_rebalance(claim=held, now=timezone.now())
    except LeaseLost:
        logger.info("job %s was cancelled or taken over", held.public_id)
    except SoftTimeLimitExceeded:
        operations.fail_rebalance(
            claim=held,
            code="computation_timeout",
            detail=f"No answer within {settings.REBALANCE_TIME_LIMIT_S} seconds.",
            now=timezone.now(),
        )
    except BallastError as refusal:
        operations.fail_rebalance(
            claim=held, code=refusal.code, detail=refusal.detail, now=timezone.now()
        )
    except DatabaseError:
        # The database went away under us: the lease runs out and the sweeper starts over.
        logger.exception("job %s lost its database", held.public_id)
        raise
    except Exception:
        logger.exception("job %s failed in attempt %d", held.public_id, held.attempt)
        if held.last:
            operations.fail_rebalance(
                claim=held,
                code="internal_error",
                detail="The computation failed; operators have the details.",
                now=timezone.now(),
            )
        else:
            release(claim=held)
