"""Send due messages to webhooks: signed, side by side, and each answer written down.

Threads only send; this process reads and writes the database before and after. What a receiver
answers decides:

    2xx                  sent
    410                  nothing more is wanted: the webhook is switched off
    429, 503             put off as long as Retry-After says, at most a day
    anything else        tried again later, with everything else for that receiver
    an inner address     dead: no further try could help
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.dates import instant_text
from notifications.models import Channel, Delivery, DeliveryState, Webhook
from notifications.operations import claims
from notifications.operations.claims import Claimed
from notifications.operations.webhooks import secrets_of
from notifications.senders.http import AddressRefused, NotReached, Received, post
from notifications.signatures import signature_headers
from notifications.topics import event_of

BATCH = 32
THREADS = 8
GONE = 410
BUSY = (429, 503)
_PUT_OFF_S = (5.0, 86_400.0)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be sent, without the database."""

    delivery: Claimed
    url: str
    body: bytes
    headers: Mapping[str, str]


def deliver_webhooks(*, urgent: bool, now: datetime, limit: int = BATCH) -> int:
    """Send due messages. Return how many were claimed."""
    claimed = claims.claim(channel=Channel.WEBHOOK, urgent=urgent, limit=limit)
    if not claimed:
        return 0
    hooks = Webhook.objects.in_bulk({UUID(one.address) for one in claimed}, field_name="public_id")
    ready = []
    for one in claimed:
        hook = hooks.get(UUID(one.address))
        if hook is None or not hook.enabled:
            claims.mark_dropped(claimed=[one], reason="the webhook is switched off or deleted")
        else:
            ready.append(_outgoing(one, hook, now))
    send = partial(answered, private_allowed=settings.WEBHOOK_PRIVATE_ADDRESSES)
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        for message, answer in threads.map(send, ready):
            _write_down(message.delivery, answer, now)
    return len(claimed)


def _outgoing(delivery: Claimed, hook: Webhook, now: datetime) -> Outgoing:
    body = json.dumps(
        {
            "type": delivery.topic,
            "timestamp": instant_text(delivery.created_at),
            "data": {
                "topic": event_of(delivery.topic).topic,
                "title": delivery.title,
                **delivery.payload,
            },
        },
        separators=(",", ":"),
    ).encode()
    signed = signature_headers(
        message_id=f"msg_{delivery.public_id}",
        timestamp_s=int(now.timestamp()),
        body=body,
        secrets=secrets_of(hook, now=now),
    )
    headers = {
        **signed,
        "Content-Type": "application/json",
        "User-Agent": "Ballast-Webhooks/1",
    }
    return Outgoing(delivery, hook.url, body, headers)


def answered(
    message: Outgoing, *, private_allowed: bool
) -> tuple[Outgoing, Received | AddressRefused | NotReached]:
    """Send one message in a thread. A failure is an answer too."""
    try:
        return message, post(
            url=message.url,
            body=message.body,
            headers=message.headers,
            timeout_s=settings.WEBHOOK_TIMEOUT_S,
            private_allowed=private_allowed,
        )
    except (AddressRefused, NotReached) as fault:
        return message, fault


def _write_down(
    delivery: Claimed, answer: Received | AddressRefused | NotReached, now: datetime
) -> None:
    if isinstance(answer, AddressRefused):
        claims.mark_dead(claimed=[delivery], reason=str(answer))
        return
    if isinstance(answer, NotReached):
        _put_off(delivery, str(answer), None, 0)
        return
    if 200 <= answer.status < 300:
        claims.mark_sent(claimed=[delivery], response_status=answer.status)
    elif answer.status == GONE:
        _switch_off(delivery)
    else:
        wait_s = retry_after_s(answer.retry_after, now) if answer.status in BUSY else 0
        reason = f"HTTP {answer.status}: {answer.text}"
        _put_off(delivery, reason, answer.status, wait_s)


def _put_off(delivery: Claimed, reason: str, status: int | None, wait_s: float) -> None:
    claims.mark_failed(claimed=delivery, error=reason, response_status=status, retry_after_s=wait_s)
    claims.put_off(
        channel=Channel.WEBHOOK, address=delivery.address, wait_s=max(wait_s, _PUT_OFF_S[0])
    )


def _switch_off(delivery: Claimed) -> None:
    """The receiver wants nothing more: switch the webhook off and drop what waits for it."""
    with transaction.atomic():
        Webhook.objects.filter(public_id=UUID(delivery.address)).update(
            enabled=False, disabled_reason="the receiver answered 410 Gone"
        )
        claims.mark_dropped(
            claimed=[delivery], reason="the receiver answered 410 Gone", response_status=GONE
        )
        Delivery.objects.filter(
            channel=Channel.WEBHOOK, address=delivery.address, state=DeliveryState.WAITING
        ).update(state=DeliveryState.DROPPED, error="the receiver answered 410 Gone earlier")


def retry_after_s(header: str | None, now: datetime) -> float:
    """Return the seconds of a Retry-After header, at most a day; 0 if there is none."""
    if not header:
        return 0
    try:
        seconds = float(header)
    except ValueError:
        try:
            then = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return 0
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
    if not 0 < seconds < float("inf"):
        return 0
    return min(seconds, _PUT_OFF_S[1])
