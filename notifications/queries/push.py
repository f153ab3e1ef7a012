"""Reading the browsers that take pushes."""

from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import User
from notifications.models import PushSubscription


def push_subscriptions(*, user: User) -> "QuerySet[PushSubscription]":
    """Return the user's browsers, newest first."""
    return PushSubscription.objects.for_user(user).order_by("-created_at", "-id")


def push_subscription(*, user: User, public_id: UUID) -> PushSubscription:
    """Return one browser of this user."""
    found = PushSubscription.objects.for_user(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such browser.", code="push_subscription_not_found")
    return found
