"""Comparisons of a broker's file with the ledger, kept as they were found."""

from typing import Any

from django.db import models

from core import limits
from core.identifiers import uuid7
from identity.models import User, household_ids
from transactions.models.accounts import Account


class ReconciliationKind(models.TextChoices):
    HOLDINGS = "holdings", "Positions and cash"
    REALIZED = "realized", "Realized lots"


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    def for_user(self, user: User) -> "ReconciliationQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


class Reconciliation(models.Model):
    """One comparison of one file with an account. It is never changed; the file is not kept."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="reconciliations", db_index=False
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=ReconciliationKind.choices)
    format = models.CharField(max_length=32)
    file_name = models.CharField(max_length=limits.NAME_LENGTH_MAX, blank=True)
    file_bytes = models.PositiveIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64)
    # Of positions the day, twice; of realized lots the closing days compared.
    from_date = models.DateField()
    to_date = models.DateField()
    matched = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    only_ours = models.PositiveIntegerField(default=0)
    only_theirs = models.PositiveIntegerField(default=0)
    # The version of the account's ledger that was compared.
    ledger_version = models.BigIntegerField()
    # The lines in the form of the API.
    result: "models.JSONField[Any, Any]" = models.JSONField()

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        indexes = [
            # The list of an account, newest first, and the ones beyond the number kept.
            models.Index(
                fields=["account", "-created_at", "-id"], name="reconciliation_by_account"
            ),
            # The list of everything that a user may see.
            models.Index(fields=["-created_at", "-id"], name="reconciliation_newest"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
