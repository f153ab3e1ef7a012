"""Models of log-ins: the refresh tokens of the API, and the sessions of the pages."""

import pghistory
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX
from identity.models.users import User


class Revocation(models.TextChoices):
    LOGOUT = "logout"
    EVERYWHERE = "everywhere"
    REUSED = "reused"
    WITHDRAWN = "withdrawn"


@pghistory.track(
    pghistory.UpdateEvent(condition=pghistory.AnyChange("revoked_at")),
    exclude=["serial", "expires_at", "last_used_at", "proved_at"],
)
class TokenFamily(models.Model):
    """One log-in of the API: its refresh tokens replace each other and end together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    serial = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=16, choices=Revocation.choices, blank=True)
    device = models.CharField(max_length=NAME_LENGTH_MAX, blank=True, db_default="")
    # The address of the log-in, then of the newest rotation.
    address = models.CharField(max_length=45, blank=True, db_default="")
    last_used_at = models.DateTimeField(null=True, blank=True)
    # When the person last proved who they are: at the log-in, then at each step-up.
    proved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # Logout everywhere: the open families of one user.
        indexes = [
            models.Index(
                fields=["user"],
                name="token_family_living",
                condition=models.Q(revoked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Session(AbstractBaseSession):
    """A log-in of the pages. It ends when this row is deleted or expires."""

    # Identifies the log-in to the stream. The secret session key cannot be derived from it.
    family = models.CharField(max_length=40, unique=True)
    # What its owner sees of it. Copied from the session's data whenever that is saved.
    user_id = models.BigIntegerField(null=True, blank=True)
    device = models.CharField(max_length=NAME_LENGTH_MAX, blank=True, db_default="")
    address = models.CharField(max_length=45, blank=True, db_default="")
    created_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractBaseSession.Meta):
        # A user's list of log-ins.
        indexes = [
            models.Index(
                fields=["user_id"],
                name="session_of_user",
                condition=models.Q(user_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.family
