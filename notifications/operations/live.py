"""Send due live events to open pages."""

import logging
from collections.abc import Sequence

from billiard.exceptions import SoftTimeLimitExceeded

from notifications.live_events import event_text
from notifications.models import Channel
from notifications.operations import claims
from notifications.operations.claims import Claimed
from notifications.senders.live import send_events

logger = logging.getLogger(__name__)

BATCH = 200


def deliver_live(*, urgent: bool, limit: int = BATCH) -> int:
    """Send due events. Return how many were claimed, or 0 if the channel layer is down.

    One that cannot be sent is put off, and the rest of the batch is tried again with it: a page
    that gets an event twice shows the same.
    """
    claimed = claims.claim(channel=Channel.LIVE, urgent=urgent, limit=limit, per_address=limit)
    ready: list[tuple[Claimed, str]] = []
    for one in claimed:
        try:
            ready.append((one, _text(one)))
        except KeyError as fault:
            claims.mark_dead(claimed=[one], reason=f"the event lacks {fault}")
    try:
        send_events([(one.address, text) for one, text in ready])
    except SoftTimeLimitExceeded:
        raise
    except Exception as fault:
        logger.warning("events were not sent, trying again later: %s", fault, exc_info=fault)
        _put_off([one for one, _ in ready], f"{type(fault).__name__}: {fault}")
        return 0
    claims.mark_sent(claimed=[one for one, _ in ready])
    return len(claimed)


def _text(one: Claimed) -> str:
    return event_text(name=one.topic, payload=one.payload, title=one.title or None)


def _put_off(claimed: Sequence[Claimed], error: str) -> None:
    for one in claimed:
        claims.mark_failed(claimed=one, error=error)
