"""Accounts, and the money and quantity fields that all tables of the ledger share."""

from decimal import Decimal
from typing import Any

import pghistory
from django.db import models

from core import limits
from core.identifiers import uuid7
from identity.models import Household, User, household_ids
from transactions.ledger.account_kinds import ACCOUNT_KINDS, AccountKind


class AccountType(models.TextChoices):
    """The names of `ledger.account_kinds`, which says what each kind means."""

    TAXABLE = "taxable", ACCOUNT_KINDS["taxable"].label
    JOINT = "joint", ACCOUNT_KINDS["joint"].label
    TRUST = "trust", ACCOUNT_KINDS["trust"].label
    IRA = "ira", ACCOUNT_KINDS["ira"].label
    ROTH_IRA = "roth_ira", ACCOUNT_KINDS["roth_ira"].label
    SEP_IRA = "sep_ira", ACCOUNT_KINDS["sep_ira"].label
    SIMPLE_IRA = "simple_ira", ACCOUNT_KINDS["simple_ira"].label
    EMPLOYER_PLAN = "401k", ACCOUNT_KINDS["401k"].label
    PLAN_403B = "403b", ACCOUNT_KINDS["403b"].label
    HSA = "hsa", ACCOUNT_KINDS["hsa"].label
    PLAN_529 = "529", ACCOUNT_KINDS["529"].label
    CASH = "cash", ACCOUNT_KINDS["cash"].label
    PROPERTY = "property", ACCOUNT_KINDS["property"].label
    LOAN = "loan", ACCOUNT_KINDS["loan"].label


class LotMethod(models.TextChoices):
    FIFO = "fifo", "First in, first out"
    LIFO = "lifo", "Last in, first out"
    HIFO = "hifo", "Highest cost first"
    AVERAGE = "average", "Average cost"
    MIN_TAX = "min_tax", "Minimum tax"
    SPECIFIC = "specific", "Specific lots"


class AccountQuerySet(models.QuerySet["Account"]):
    def for_user(self, user: User) -> "AccountQuerySet":
        """Select the accounts this user may see. All access by users goes through this method."""
        return self.filter(household_id__in=household_ids(user))


def quantity_field(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(
        max_digits=limits.QUANTITY_DIGITS, decimal_places=limits.QUANTITY_DECIMALS, **options
    )


def money_field(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(
        max_digits=limits.MONEY_DIGITS, decimal_places=limits.MONEY_DECIMALS, **options
    )


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange(exclude=["cash", "ledger_version"])),
    pghistory.DeleteEvent(),
)
class Account(models.Model):
    """One account. Lock its row before changing its ledger, cash or version."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="accounts")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=limits.NAME_LENGTH_MAX)
    type = models.CharField(max_length=16, choices=AccountType.choices)
    currency = models.CharField(max_length=3)
    lot_method = models.CharField(max_length=16, choices=LotMethod.choices, default=LotMethod.FIFO)
    cash = money_field(default=Decimal(0))
    ledger_version = models.BigIntegerField(default=0)
    # The account has no transaction before this day. Null: unknown.
    opened_date = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()
    # When it was archived: not listed, and closed for transactions (operations/archiving).
    archived_at = models.DateTimeField(null=True, blank=True)
    # Loaded to look around in, and removed as a whole (portfolios/operations/samples).
    is_sample = models.BooleanField(default=False, db_default=False, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["household", "id"], name="account_by_household"),
            # For operators, who search by name.
            models.Index(fields=["name"], name="account_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> AccountKind:
        """What the account's type means."""
        return ACCOUNT_KINDS[self.type]

    @property
    def is_taxed(self) -> bool:
        """Whether its gains are in the tax return of its owner."""
        return self.kind.taxed
