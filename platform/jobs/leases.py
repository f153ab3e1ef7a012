"""Keeping a claim alive while a worker computes: a thread renews its lease until all is done."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from jobs.operations import Claim, LeaseLost, report_progress

logger = logging.getLogger(__name__)


@contextmanager
def kept(claim: Claim) -> Iterator[threading.Event]:
    """Renews the lease of `claim` every third of its length; the event is set once it is lost."""
    done, lost = threading.Event(), threading.Event()

    def renew() -> None:
        try:
            while not done.wait(settings.JOB_LEASE_S / 3):
                try:
                    report_progress(claim=claim, percent=50)
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
