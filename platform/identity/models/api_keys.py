"""Keys with which programs of a user call the API."""

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX
from identity.models.users import User


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange("revoked_at")),
    pghistory.DeleteEvent(),
    exclude=["key_hash", "last_used_at", "last_used_address"],
)
class ApiKey(models.Model):
    """A key of one user. It has the user's access, narrowed to its scopes and accounts."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=NAME_LENGTH_MAX)
    # The first characters, by which people recognize a key.
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=16))
    # Public ids of accounts; empty (null) for every account the user may see.
    account_ids = ArrayField(models.UUIDField(), null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.CharField(max_length=45, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # The keys of a user that were not revoked, newest first.
        indexes = [
            models.Index(
                fields=["user", "-id"],
                name="api_key_living",
                condition=models.Q(revoked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
