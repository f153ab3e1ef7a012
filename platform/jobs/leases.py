"""Keeping a claim alive while a worker computes: a thread renews its lease until all is done."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from jobs.operations import Claim, LeaseLost, report_progress

logger = logging.getLogger(__name__)


@contextmanager
def kept(claim: Claim, *, percent: Callable[[], int] = lambda: 50) -> Iterator[threading.Event]:
    """Renews the lease of `claim` every third of its length and says how far the work is.

    The event is set once the lease is lost.
    """
    done, lost = threading.Event(), threading.Event()

    def renew() -> None:
        try:
            while not done.wait(settings.JOB_LEASE_S / 3):
                try:
                    report_progress(claim=claim, percent=percent())
                except LeaseLost:
                    lost.set()
                    return
                except DatabaseError:
                    logger.warning("lease of job %s not renewed", claim.public_id)
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{claim.job_id}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join(timeout=5)
