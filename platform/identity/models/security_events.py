"""The trail of security: what happened to a person's log-in and to the access of a household."""

import pgtrigger
from django.db import models

from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX
from identity.models.users import Household, User


class SecurityEvent(models.Model):
    """One entry. The database refuses its update and its deletion.

    `user` is the person concerned, `actor` the one who did it; they differ when, for example, a
    member of the household withdraws an adviser. No entry contains a secret.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # Without constraints, so that the trail outlives what it is about.
    household = models.ForeignKey(
        Household, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    actor = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    kind = models.CharField(max_length=32)
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=NAME_LENGTH_MAX, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        # A household's trail, newest first.
        indexes = [
            models.Index(
                fields=["household", "-created_at", "-id"], name="security_event_by_household"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at}"
