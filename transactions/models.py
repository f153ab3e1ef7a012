"""What happened: accounts, append-only transactions, and the lots and holdings they make."""

from decimal import Decimal
from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from core import limits
from core.identifiers import uuid7
from identity.models import Household, User, household_ids
from marketdata.models import Asset


class AccountType(models.TextChoices):
    TAXABLE = "taxable", "Taxable"
    IRA = "ira", "Traditional IRA"
    ROTH_IRA = "roth_ira", "Roth IRA"
    EMPLOYER_PLAN = "401k", "401(k)"


class LotMethod(models.TextChoices):
    FIFO = "fifo", "First in, first out"
    LIFO = "lifo", "Last in, first out"
    HIFO = "hifo", "Highest cost first"
    AVERAGE = "average", "Average cost"
    MIN_TAX = "min_tax", "Minimum tax"
    SPECIFIC = "specific", "Specific lots"


class AccountQuerySet(models.QuerySet["Account"]):
    def for_user(self, user: User) -> "AccountQuerySet":
        """The one door: accounts of the households this user may see."""
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
    """One account. Its row is the lock of its ledger; cash and version move only under it."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="accounts")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=limits.NAME_LENGTH_MAX)
    type = models.CharField(max_length=16, choices=AccountType.choices)
    currency = models.CharField(max_length=3)
    lot_method = models.CharField(max_length=16, choices=LotMethod.choices, default=LotMethod.FIFO)
    cash = money_field(default=Decimal(0))
    ledger_version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    objects = AccountQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["household", "id"], name="account_by_household"),
            # Operators search by name.
            models.Index(fields=["name"], name="account_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class TransactionType(models.TextChoices):
    BUY = "buy"
    SELL = "sell"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DIVIDEND = "dividend"
    INTEREST = "interest"
    FEE = "fee"


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def for_user(self, user: User) -> "TransactionQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


class Transaction(models.Model):
    """One fact. Never changed and never deleted: a mistake is reversed by a row of its own.

    quantity > 0 for a buy or sell (units); price per unit and amount before the fee are in
    `currency`; `cash_effect` is what the account's cash gained or lost, in the account's
    currency, at `fx_rate` account units for one unit of `currency`.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transactions")
    type = models.CharField(max_length=16, choices=TransactionType.choices)
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="transactions"
    )
    quantity = quantity_field(null=True, blank=True)
    price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS,
        decimal_places=limits.PRICE_DECIMALS,
        null=True,
        blank=True,
    )
    amount = money_field()
    fee = money_field(default=Decimal(0))
    currency = models.CharField(max_length=3)
    fx_rate = models.DecimalField(max_digits=20, decimal_places=10, default=1)
    cash_effect = money_field()
    executed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    # How a sale chose its lots; kept here, so that a new default of the account changes no history.
    lot_method = models.CharField(max_length=16, choices=LotMethod.choices, blank=True)
    # A sale of chosen lots: [{"lot_id", "quantity"}].
    lots = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=limits.NOTE_LENGTH_MAX, blank=True)

    objects = TransactionQuerySet.as_manager()

    class Meta:
        triggers = [
            pgtrigger.Protect(
                name="transaction_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="transaction_trade_is_whole",
                condition=Q(
                    type__in=["buy", "sell"],
                    asset__isnull=False,
                    quantity__gt=0,
                    price__gte=0,
                )
                | ~Q(type__in=["buy", "sell"]),
            ),
            models.CheckConstraint(
                name="transaction_amounts_not_negative",
                condition=Q(amount__gte=0, fee__gte=0, fx_rate__gt=0),
            ),
        ]
        indexes = [
            # The list of an account and its keyset pages, newest first.
            models.Index(fields=["account", "-executed_at", "-id"], name="transaction_by_account"),
            # The ledger of one asset in one account, in the order it happened.
            models.Index(
                fields=["account", "asset", "executed_at", "id"],
                name="transaction_by_asset",
                condition=Q(asset__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Lot(models.Model):
    """What is left of one acquisition. `transaction` is the acquisition, its id the lot's name."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="acquired_lots"
    )
    opened_at = models.DateTimeField()
    holding_period_date = models.DateField()
    quantity = quantity_field()
    cost_basis = money_field()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="lot_not_negative", condition=Q(quantity__gte=0, cost_basis__gte=0)
            ),
            models.CheckConstraint(
                name="lot_closed_has_no_basis", condition=Q(quantity__gt=0) | Q(cost_basis=0)
            ),
        ]
        indexes = [
            # Open lots of an account, by asset, in the order they were opened.
            models.Index(
                fields=["account", "asset", "opened_at", "id"],
                name="lot_open",
                condition=Q(quantity__gt=0),
            ),
            models.Index(fields=["account", "asset", "id"], name="lot_by_asset"),
        ]

    def __str__(self) -> str:
        return f"lot {self.transaction_id}"


class Disposal(models.Model):
    """The part of a sale that came out of one lot. Amounts in the account's currency."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="disposals")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="disposals")
    lot_transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    quantity = quantity_field()
    proceeds = money_field()
    cost_basis = money_field()
    long_term = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="disposal_positive", condition=Q(quantity__gt=0))
        ]
        indexes = [
            # Realised gains of a year.
            models.Index(fields=["account", "closed_at", "id"], name="disposal_by_date"),
            models.Index(fields=["account", "asset"], name="disposal_by_asset"),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} from {self.lot_transaction_id}"


class Holding(models.Model):
    """What an account holds of an asset: the sum of its open lots. Narrow, led by the account."""

    pk = models.CompositePrimaryKey("account_id", "asset_id")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="holdings", db_index=False
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    quantity = quantity_field()
    cost_basis = money_field()

    class Meta:
        constraints = [models.CheckConstraint(name="holding_positive", condition=Q(quantity__gt=0))]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset_id}"
