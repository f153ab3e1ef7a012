"""Who may see which household: its members, the advisers linked to it, and who is invited."""

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.identifiers import uuid7
from identity.models.audit_trail import every_change
from identity.models.users import Household, Role, User

_RAISE_OF_ADVISER = """
    IF TG_OP <> 'INSERT' THEN
        UPDATE identity_user SET access_epoch = access_epoch + 1 WHERE id = OLD.adviser_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE identity_user SET access_epoch = access_epoch + 1 WHERE id = NEW.adviser_id;
    END IF;
    RETURN NULL;
"""


def household_ids(user: User) -> "models.QuerySet[Household, int] | list[int]":
    """Return the households a user may see: their own, and for advisers the linked ones."""
    if user.known_household_ids is not None:
        return list(user.known_household_ids)
    if user.role != Role.ADVISER:
        return [user.household_id]
    return Household.objects.filter(
        models.Q(pk=user.household_id) | models.Q(advisers__adviser=user)
    ).values_list("pk", flat=True)


def users_of(household_id: int) -> "models.QuerySet[User]":
    """Return the active users who may see a household: `household_ids` the other way round."""
    linked = AdviserLink.objects.filter(household_id=household_id).values("adviser_id")
    return User.objects.filter(
        models.Q(household_id=household_id) | models.Q(role=Role.ADVISER, pk__in=linked),
        is_active=True,
    )


@pghistory.track(*every_change())
class AdviserLink(models.Model):
    """An adviser may see (and act for) a household while this row exists."""

    adviser = models.ForeignKey(User, on_delete=models.CASCADE, related_name="clients")
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="advisers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="access_epoch",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_RAISE_OF_ADVISER,
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["adviser", "household"], name="adviser_link_unique")
        ]

    def __str__(self) -> str:
        return f"{self.adviser_id} advises {self.household_id}"


@pghistory.track(*every_change())
class AccountantLink(models.Model):
    """An accountant may read the taxes of some years of a household until `ends_at`.

    It is no access to the household: `household_ids` does not know it, and nothing is cached, so
    that it ends with this row everywhere at once.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    accountant = models.ForeignKey(User, on_delete=models.CASCADE, related_name="books")
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="accountants")
    years = ArrayField(models.PositiveSmallIntegerField())
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["accountant", "household"], name="accountant_link_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.accountant_id} reads {self.household_id}"


@pghistory.track(*every_change(), exclude=["token_hash"])
class Invitation(models.Model):
    """An invitation of one e-mail address to a household. Only a hash of its token is stored."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household", "email"],
                name="invitation_open_unique",
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
            )
        ]
        # Operators search by address.
        indexes = [models.Index(fields=["email"], name="invitation_by_email")]

    def __str__(self) -> str:
        return f"{self.email} to {self.household_id}"
