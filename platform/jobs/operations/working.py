"""The one step of every task that works on a job.

    claim -> run, with the lease kept -> done
      refused (a coded error, the time limit)    ended as failed, with its code
      nobody who asked has access any more       ended as failed, `access_withdrawn`
      met a lock, or a server out of reach       given back uncounted, due after a back-off
      any other fault                            given back counted; the last time ended as failed
      every try used, or waited for too long     ended as failed by its own kind

The kind's own `give_up` ends a job, because the kind may have rows that show work in progress.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg.errors
import redis
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError

from core.errors import BallastError, Unavailable
from edge import metrics
from jobs.operations.askers import AccessWithdrawn
from jobs.operations.back_off import GIVE_BACK_PAUSES_S
from jobs.operations.claims import (
    Claim,
    LeaseLost,
    claim,
    ensure_ours,
    report_progress,
    try_again,
    wait,
)
from jobs.operations.sweeping import EXHAUSTED_DETAIL
from stores.redis import redis_client

logger = logging.getLogger(__name__)

# Seconds between two looks at whether an attempt should stop.
WATCH_S = 1.0

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a job failed: a stable code, and a sentence for the person who asked."""

    code: str
    detail: str


@dataclass(slots=True)
class Course:
    """The course of one attempt, shared by the thread that works and the one that watches."""

    percent: int = 0
    stop: Exception | None = None

    def told(self, percent: int) -> None:
        """Take the work's progress; raise what the watching thread found, which ends the work."""
        if self.stop is not None:
            raise self.stop
        self.percent = percent


Run = Callable[[Claim, datetime, Told], object]
GiveUp = Callable[[Claim, Ending, datetime], None]


def work(
    *, job_id: int, run: Run, give_up: GiveUp, limit_s: int, clock: Callable[[], datetime]
) -> None:
    """Claim the job and do its work; a repeated or late message finds nothing to claim.

    `run(claim, now, told)` writes the result; it passes its percentage to `told`, which raises when
    the job was cancelled or nobody who asked for it has access any more. `give_up(claim,
    ending, now)` ends the job as failed. Both raise LeaseLost if the job is no longer theirs.
    """
    held = claim(job_id=job_id)
    if held is None:
        return
    course = Course()
    try:
        with kept(held, course=course, clock=clock):
            ending = _tried(held, run, course.told, limit_s, clock)
            if ending is not None:
                give_up(held, ending, clock())
    except LeaseLost:
        logger.info("job %s was cancelled or taken over by another worker", held.public_id)
    except Exception as fault:
        if passes(fault):
            logger.warning(
                "job %s will be retried after a temporary failure: %s", held.public_id, fault
            )
            _give_back(held, wait)
        else:
            logger.exception("job %s failed in attempt %d", held.public_id, held.attempt)
            _give_back(held, try_again)


def _tried(
    held: Claim, run: Run, told: Told, limit_s: int, clock: Callable[[], datetime]
) -> Ending | None:
    """Do the work; return the reason to end the job as failed, or None when it is done."""
    if held.spent:
        if held.overdue and held.waits:
            return Ending(
                "waited_too_long",
                "A service that the job needs was down for hours. Start the job again.",
            )
        return Ending("attempts_exhausted", EXHAUSTED_DETAIL)
    try:
        ensure_ours(claim=held)
        with metrics.job(held.kind):
            run(held, clock(), told)
    except SoftTimeLimitExceeded:
        return Ending(
            "computation_timeout",
            f"The job exceeded its limit of {limit_s} seconds. Try again, with less data if "
            "possible.",
        )
    except Unavailable:
        raise
    except BallastError as refusal:
        return Ending(refusal.code, refusal.detail)
    except Exception as fault:
        if isinstance(fault, LeaseLost) or passes(fault) or not held.last:
            raise
        logger.exception("job %s failed in attempt %d", held.public_id, held.attempt)
        return Ending(
            "internal_error",
            "The job failed because of an error on our side. Send the job's id to the operator.",
        )
    return None


def passes(fault: Exception) -> bool:
    """Return whether the fault is temporary: the same work may succeed later."""
    if isinstance(fault, OperationalError):
        return not isinstance(fault.__cause__, psycopg.errors.QueryCanceled)
    return isinstance(fault, InterfaceError | redis.RedisError | BrokerError | Unavailable)


def _give_back(held: Claim, give_back: Callable[..., bool]) -> None:
    """Give the job back, also if the database must come back first.

    After a longer outage the lease has run out, and the job has lost one try.
    """
    for pause_s in GIVE_BACK_PAUSES_S:
        try:
            give_back(claim=held)
        except (DatabaseError, InterfaceError):
            logger.warning("job %s could not be released, trying again", held.public_id)
            connection.close()
            time.sleep(pause_s)
        else:
            return


@contextmanager
def kept(claim: Claim, *, course: Course, clock: Callable[[], datetime]) -> Iterator[None]:
    """Watch over an attempt in a thread until its work ends.

    Every second it looks whether the attempt should stop. Every third of the lease's length it
    renews the lease. Each renewal is also a heartbeat of the queue: while every process of a worker
    is busy, none of them takes the heartbeat's own message.
    """
    done = threading.Event()

    def watch() -> None:
        renew_s = settings.JOB_LEASE_S / 3
        renewed_at_s = time.monotonic()
        try:
            while not done.wait(min(WATCH_S, renew_s)):
                is_due = time.monotonic() - renewed_at_s + WATCH_S > renew_s
                if not _goes_on(claim, course, renew=is_due):
                    return
                if is_due:
                    renewed_at_s = time.monotonic()
                    beat(queue=claim.queue, now=clock())
        finally:
            connection.close()

    thread = threading.Thread(target=watch, name=f"lease-{claim.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)


def _goes_on(claim: Claim, course: Course, *, renew: bool) -> bool:
    """Return False, and leave the reason to the working thread, if the attempt must stop."""
    try:
        ensure_ours(claim=claim)
    except (LeaseLost, AccessWithdrawn) as reason:
        course.stop = reason
        return False
    except (DatabaseError, InterfaceError):
        logger.warning("job %s was not looked at", claim.public_id)
    if renew:
        try:
            report_progress(claim=claim, percent=course.percent)
        except LeaseLost:
            return False
        except (DatabaseError, InterfaceError):
            logger.warning("lease of job %s was not renewed", claim.public_id)
    return True


def beat(*, queue: str, now: datetime) -> None:
    """Write the heartbeat of a queue's worker; the supervisor checks its age."""
    try:
        redis_client().set(f"heartbeat:{queue}", int(now.timestamp()), ex=600)
    except redis.RedisError:
        logger.warning("heartbeat of queue %s was not written", queue)
