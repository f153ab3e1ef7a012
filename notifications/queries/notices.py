"""Reading notices."""

from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import User
from notifications.models import Notice
from notifications.topics import EVENTS


def notices(*, user: User, unread: bool = False, topic: str | None = None) -> "QuerySet[Notice]":
    """Return a user's notices, newest first."""
    rows = Notice.objects.for_user(user)
    if unread:
        rows = rows.filter(read_at__isnull=True)
    if topic is not None:
        names = [name for name, event in EVENTS.items() if event.topic == topic]
        rows = rows.filter(topic__in=names)
    return rows.order_by("-created_at", "-id")


def unread_count(*, user: User) -> int:
    """Return the number of unread notices, at most 100."""
    return notices(user=user, unread=True)[:100].count()


def notice(*, user: User, public_id: UUID) -> Notice:
    """Return one notice of this user."""
    found = Notice.objects.for_user(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such notice.", code="notice_not_found")
    return found
