"""Subscribe browsers, and push due messages to them. Browsers that are gone are forgotten."""

import json
import logging
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache, partial
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from core.errors import Conflict, InvalidInput
from core.limits import PUSH_SUBSCRIPTIONS_PER_USER_MAX
from identity.models import User
from notifications.models import Channel, PushSubscription
from notifications.operations import claims
from notifications.operations.claims import Claimed
from notifications.operations.links import absolute, page_of
from notifications.operations.still_wanted import still_wanted
from notifications.operations.webhook_sending import BUSY, Outgoing, answered, retry_after_s
from notifications.push_messages import (
    Browser,
    authorization,
    decoded,
    encoded,
    encrypted,
    ensure_keys,
    private_key,
    public_bytes,
)
from notifications.senders.http import AddressRefused, NotReached, Received, checked_url
from notifications.topics import TOPICS, event_of
from stores.locks import locked

logger = logging.getLogger(__name__)

BATCH = 32
THREADS = 8
# The service keeps a message for a browser that is off for this long.
KEPT_S = 86_400
_GONE = (404, 410)
_TOO_LARGE = 413


def subscribe(
    *, user: User, endpoint: str, public_key: str, secret: str, now: datetime
) -> PushSubscription:
    """Let a browser of the user take messages; the same browser again replaces its keys."""
    try:
        checked_url(endpoint, private_allowed=settings.WEBHOOK_PRIVATE_ADDRESSES)
        ensure_keys(Browser(endpoint, decoded(public_key), decoded(secret)))
    except (AddressRefused, ValueError):
        raise InvalidInput(
            "This is no subscription of a browser. Switch push on again.",
            code="push_subscription_invalid",
        ) from None
    with transaction.atomic():
        locked(User.objects.filter(pk=user.pk)).get()
        others = PushSubscription.objects.for_user(user).exclude(endpoint=endpoint)
        if others.count() >= PUSH_SUBSCRIPTIONS_PER_USER_MAX:
            raise Conflict(
                f"There are already {PUSH_SUBSCRIPTIONS_PER_USER_MAX} browsers. Remove one first.",
                code="too_many_push_subscriptions",
            )
        # Whoever is logged in at a browser gets its messages, and nobody who was before.
        PushSubscription.objects.filter(endpoint=endpoint).exclude(user=user).delete()
        row, _ = PushSubscription.objects.update_or_create(
            user=user,
            endpoint=endpoint,
            defaults={
                "public_key": public_key,
                "secret": secret,
                "created_at": now,
            },
        )
    return row


def unsubscribe_browser(*, subscription: PushSubscription) -> None:
    """Forget a browser."""
    subscription.delete()


@lru_cache(maxsize=4)
def _own_key(secret_key: str) -> EllipticCurvePrivateKey:
    return private_key(
        salted_hmac("notifications.push", "vapid", secret=secret_key, algorithm="sha256").digest()
    )


def own_public_key() -> str:
    """Return the key by which a browser recognizes our messages."""
    return encoded(public_bytes(_own_key(settings.SECRET_KEY)))


def deliver_pushes(*, urgent: bool, now: datetime, limit: int = BATCH) -> int:
    """Push due messages. Return how many were claimed."""
    claimed = claims.claim(channel=Channel.PUSH, urgent=urgent, limit=limit)
    if not claimed:
        return 0
    rows = PushSubscription.objects.in_bulk(
        {UUID(one.address) for one in claimed}, field_name="public_id"
    )
    ready = []
    for one in still_wanted(claimed, channel="push"):
        row = rows.get(UUID(one.address))
        if row is None or row.user_id != one.user_id:
            claims.mark_dropped(claimed=[one], reason="the browser is no longer subscribed")
        else:
            ready.append(_outgoing(one, row, now))
    _send(ready, now)
    return len(claimed)


def _send(ready: Sequence[Outgoing], now: datetime) -> None:
    send = partial(answered, private_allowed=settings.WEBHOOK_PRIVATE_ADDRESSES)
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        for message, answer in threads.map(send, ready):
            _write_down(message.delivery, answer, now)


def _outgoing(delivery: Claimed, row: PushSubscription, now: datetime) -> Outgoing:
    topic = TOPICS[event_of(delivery.topic).topic or ""]
    browser = Browser(row.endpoint, decoded(row.public_key), decoded(row.secret))
    message = {
        "title": topic.title,
        "body": delivery.title,
        "url": absolute(page_of(delivery.payload)),
        "tag": str(delivery.public_id),
    }
    key = _own_key(settings.SECRET_KEY)
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEPT_S),
        "Urgency": "high" if topic.urgent else "normal",
        "Authorization": authorization(
            origin="{0.scheme}://{0.netloc}".format(urlsplit(row.endpoint)),
            contact=settings.PUBLIC_URL,
            key=key,
            now_s=int(now.timestamp()),
        ),
    }
    body = encrypted(
        message=json.dumps(message).encode(),
        browser=browser,
        ephemeral=generate_private_key(SECP256R1()),
        salt=secrets.token_bytes(16),
    )
    return Outgoing(delivery, row.endpoint, body, headers)


def _write_down(
    delivery: Claimed, answer: Received | AddressRefused | NotReached, now: datetime
) -> None:
    if isinstance(answer, AddressRefused):
        claims.mark_dead(claimed=[delivery], reason=str(answer))
    elif isinstance(answer, NotReached):
        claims.mark_failed(claimed=delivery, error=str(answer))
    elif 200 <= answer.status < 300:
        claims.mark_sent(claimed=[delivery], response_status=answer.status)
    elif answer.status in _GONE:
        PushSubscription.objects.filter(public_id=UUID(delivery.address)).delete()
        claims.mark_dropped(
            claimed=[delivery], reason="the browser is gone", response_status=answer.status
        )
    else:
        reason = f"HTTP {answer.status}: {answer.text}"
        if answer.status == _TOO_LARGE:
            claims.mark_dead(claimed=[delivery], reason=reason, response_status=answer.status)
            return
        wait_s = retry_after_s(answer.retry_after, now) if answer.status in BUSY else 0
        claims.mark_failed(
            claimed=delivery, error=reason, response_status=answer.status, retry_after_s=wait_s
        )
