"""Work off the deliveries of one channel until none is due or the time is used up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from notifications.models import Channel, Delivery
from notifications.operations.digests import deliver_digests
from notifications.operations.email import deliver_mails
from notifications.operations.live import deliver_live
from notifications.operations.push import deliver_pushes
from notifications.operations.relaying import wake_deliveries
from notifications.operations.webhook_sending import deliver_webhooks

BUDGET_S = 15.0
KEPT = timedelta(days=30)
_FORGOTTEN_AT_ONCE = 20_000


def deliver(*, channel: str, urgent: bool, clock: Callable[[], datetime], budget_s: float) -> int:
    """Send what is due on a channel; return how many deliveries were tried.

    What is left when the time is used up gets a message of its own, behind the other channels.
    """
    started, tried = monotonic(), 0
    while True:
        count = _batch(channel, urgent=urgent, now=clock())
        tried += count
        if not count:
            return tried
        if monotonic() - started > budget_s:
            wake_deliveries(channel=channel, urgent=urgent)
            return tried


def _batch(channel: str, *, urgent: bool, now: datetime) -> int:
    if channel == Channel.LIVE:
        return deliver_live(urgent=urgent)
    if channel == Channel.EMAIL:
        return deliver_mails(urgent=urgent, now=now)
    if channel == Channel.DIGEST:
        return deliver_digests(now=now)
    if channel == Channel.WEBHOOK:
        return deliver_webhooks(urgent=urgent, now=now)
    if channel == Channel.PUSH:
        return deliver_pushes(urgent=urgent, now=now)
    raise ValueError(f"no worker sends on the channel {channel!r}")


def forget_old(*, now: datetime) -> int:
    """Delete deliveries older than a month, in portions. Return how many."""
    count = 0
    while True:
        ids = list(
            Delivery.objects.filter(created_at__lt=now - KEPT)
            .order_by("created_at")
            .values_list("id", flat=True)[:_FORGOTTEN_AT_ONCE]
        )
        if not ids:
            return count
        count += Delivery.objects.filter(pk__in=ids).delete()[0]
