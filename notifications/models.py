"""Notices in the application."""

from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from identity.models import User


class NoticeQuerySet(models.QuerySet["Notice"]):
    def for_user(self, user: User) -> "NoticeQuerySet":
        return self.filter(user=user)


class Notice(models.Model):
    """One message to one user. `dedup_key` makes a repeated delivery harmless."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    topic = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    dedup_key = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "dedup_key"], name="notice_unique")]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notice_newest"),
            models.Index(fields=["user"], name="notice_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.title
