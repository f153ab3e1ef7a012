"""Register webhooks, rotate their secrets, and test them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from core.errors import Conflict, InvalidInput
from core.identifiers import uuid7
from core.limits import WEBHOOKS_PER_USER_MAX
from identity.models import User
from notifications.models import Channel, Delivery, DeliveryState, Webhook
from notifications.operations.relaying import wake_deliveries
from notifications.senders.http import AddressRefused, checked_url
from notifications.signatures import secret_text
from notifications.topics import TOPICS
from stores.locks import locked

# After a rotation both secrets sign for this long.
ROTATION = timedelta(hours=24)
TEST_TOPIC = "test"


def create_webhook(*, user: User, url: str, topics: Sequence[str], now: datetime) -> Webhook:
    """Register an address for some topics. Its name is resolved when something is sent."""
    _ensure_url(url)
    chosen = _known(topics)
    with transaction.atomic():
        locked(User.objects.filter(pk=user.pk)).get()
        if Webhook.objects.for_user(user).count() >= WEBHOOKS_PER_USER_MAX:
            raise Conflict(
                f"There are already {WEBHOOKS_PER_USER_MAX} webhooks. Delete one first.",
                code="too_many_webhooks",
            )
        return Webhook.objects.create(user=user, url=url, topics=chosen, created_at=now)


def change_webhook(
    *,
    webhook: Webhook,
    url: str | None = None,
    topics: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> Webhook:
    """Change the address, the topics, or whether anything is sent."""
    if url is not None:
        _ensure_url(url)
        webhook.url = url
    if topics is not None:
        webhook.topics = _known(topics)
    if enabled is not None:
        webhook.enabled = enabled
        webhook.disabled_reason = "" if enabled else "switched off"
    webhook.save(update_fields=["url", "topics", "enabled", "disabled_reason"])
    return webhook


def delete_webhook(*, webhook: Webhook) -> None:
    """Delete a webhook with everything that was sent to it."""
    with transaction.atomic():
        Delivery.objects.filter(channel=Channel.WEBHOOK, address=str(webhook.public_id)).delete()
        webhook.delete()


def rotate_secret(*, webhook: Webhook, now: datetime) -> Webhook:
    """Give a webhook a new secret; for a day the previous one signs as well."""
    with transaction.atomic():
        row = locked(Webhook.objects.filter(pk=webhook.pk)).get()
        row.secret_version += 1
        row.previous_until = now + ROTATION
        row.save(update_fields=["secret_version", "previous_until"])
    return row


def send_test(*, webhook: Webhook, now: datetime) -> Delivery:
    """Enqueue a test message, which is delivered and logged like any other."""
    if not webhook.enabled:
        raise Conflict("The webhook is switched off. Switch it on first.", code="webhook_disabled")
    with transaction.atomic():
        row = Delivery.objects.create(
            public_id=uuid7(),
            user_id=webhook.user_id,
            channel=Channel.WEBHOOK,
            address=str(webhook.public_id),
            topic=TEST_TOPIC,
            title="A test of this webhook.",
            payload={},
            urgent=True,
            state=DeliveryState.WAITING,
            created_at=now,
            next_at=now,
        )
        transaction.on_commit(
            lambda: wake_deliveries(channel=Channel.WEBHOOK, urgent=True), robust=True
        )
    return row


def secrets_of(webhook: Webhook, *, now: datetime) -> list[bytes]:
    """Return the secrets that sign now, the current one first."""
    versions = [webhook.secret_version]
    if webhook.previous_until is not None and now < webhook.previous_until:
        versions.append(webhook.secret_version - 1)
    return [
        salted_hmac(
            "notifications.webhook", f"{webhook.public_id}:{version}", algorithm="sha256"
        ).digest()
        for version in versions
    ]


def shown_secret(webhook: Webhook, *, now: datetime) -> str:
    """Return the current secret as its receiver stores it."""
    return secret_text(secrets_of(webhook, now=now)[0])


def _ensure_url(url: str) -> None:
    try:
        checked_url(url, private_allowed=settings.WEBHOOK_PRIVATE_ADDRESSES)
    except AddressRefused as refusal:
        raise InvalidInput(
            f"This address cannot be used: {refusal}.", code="webhook_url_refused"
        ) from None


def _known(topics: Sequence[str]) -> list[str]:
    unknown = sorted(set(topics) - set(TOPICS))
    if unknown:
        raise InvalidInput(
            f"There is no topic {unknown[0]!r}. Use those of `notifications/preferences`.",
            code="topic_unknown",
        )
    if not topics:
        raise InvalidInput("Name at least one topic.", code="topics_missing")
    return sorted(set(topics))
