"""Messages to workers. A lost message costs seconds, never a job: the rows are the record."""

import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import producers

from stores.redis import Away, in_request, presence

logger = logging.getLogger(__name__)


def wake(*, job_id: int, kind: str, queue: str) -> None:
    """Ask a worker to look at the job."""
    send(kind, queue=queue, args=[job_id])


def send(task: str, *, queue: str, args: Sequence[int | str] = ()) -> None:
    """Send a message; without a broker, log that and let the schedule find the row later."""
    try:
        if in_request():
            _send_briefly(task, queue=queue, args=args)
        else:
            current_app.send_task(task, args=list(args), queue=queue, retry=False)
    except (OperationalError, OSError, Away, LimitExceeded) as fault:
        logger.warning("broker unreachable, task %s was not sent: %s", task, fault)


def _send_briefly(task: str, *, queue: str, args: Sequence[int | str]) -> None:
    """Send from inside a request: a broker that hangs costs one short timeout a second.

    The short timeout needs connections of its own; a worker's must be patient.
    """
    there = presence(os.getpid(), settings.BROKER_URL)
    there.ask()
    timeout_s = settings.BROKER_REQUEST_TIMEOUT_MS / 1000
    link: Any = current_app.connection_for_write(
        transport_options={"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    )
    try:
        with producers[link].acquire(block=True, timeout=timeout_s) as producer:
            current_app.send_task(
                task, args=list(args), queue=queue, retry=False, producer=producer
            )
    except OperationalError as fault:
        if isinstance(fault.__cause__, redis.TimeoutError):
            there.timed_out()
        raise
    there.answered()


def depths(queues: Iterable[str]) -> dict[str, int] | None:
    """Return how many messages wait in each queue; None if the broker is out of reach.

    The connection is new each time: one of the pool may not survive a restart of the broker.
    """
    link: Any = current_app.connection_for_write()
    with link:
        try:
            with link.channel() as channel:
                return {
                    queue: int(channel.queue_declare(queue=queue, durable=True).message_count)
                    for queue in queues
                }
        except (OperationalError, OSError, *link.connection_errors, *link.channel_errors) as fault:
            logger.warning("broker unreachable, messages cannot be counted: %s", fault)
            return None
