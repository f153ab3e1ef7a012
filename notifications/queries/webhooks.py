"""Reading webhooks and the log of what was sent to them."""

from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import User
from notifications.models import Channel, Delivery, Webhook


def webhooks(*, user: User) -> "QuerySet[Webhook]":
    """Return the user's webhooks, newest first."""
    return Webhook.objects.for_user(user).order_by("-created_at", "-id")


def webhook(*, user: User, public_id: UUID) -> Webhook:
    """Return one webhook of this user."""
    found = Webhook.objects.for_user(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such webhook.", code="webhook_not_found")
    return found


def webhook_deliveries(*, webhook: Webhook) -> "QuerySet[Delivery]":
    """Return what was sent to a webhook, or is to be, newest first."""
    rows = Delivery.objects.filter(channel=Channel.WEBHOOK, address=str(webhook.public_id))
    return rows.order_by("-created_at", "-id")
