"""Mark notices as read."""

from datetime import datetime

from identity.models import User
from notifications.models import Notice


def mark_read(*, notice: Notice, now: datetime) -> Notice:
    """Mark a notice read; a second call keeps the first time."""
    Notice.objects.filter(pk=notice.pk, read_at__isnull=True).update(read_at=now)
    notice.refresh_from_db()
    return notice


def mark_all_read(*, user: User, now: datetime) -> int:
    """Mark every notice of the user read. Return how many."""
    return Notice.objects.for_user(user).filter(read_at__isnull=True).update(read_at=now)
