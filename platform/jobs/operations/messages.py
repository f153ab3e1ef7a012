"""Messages to workers. A lost message costs seconds, never a job: the rows are the record."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(*, job_id: int, kind: str, queue: str) -> None:
    """Ask a worker to look at the job."""
    send(kind, queue=queue, args=[job_id])


def send(task: str, *, queue: str, args: Sequence[int] = ()) -> None:
    """Send a message; if no broker answers, log that: the schedule finds the row later."""
    try:
        current_app.send_task(task, args=list(args), queue=queue, retry=False)
    except (OperationalError, OSError) as fault:
        logger.warning("no broker for %s: %s", task, fault)


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
            logger.warning("no broker to count messages: %s", fault)
            return None
