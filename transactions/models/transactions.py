"""Transactions: the append-only facts of the ledger."""

from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import Q

from core import limits
from core.identifiers import uuid7
from core.money import plain
from identity.models import User, household_ids
from marketdata.models import Asset
from transactions.ledger.kinds import CHOICES, EVENTS_GROUP, KINDS, Kind, named
from transactions.models.accounts import Account, LotMethod, money_field, quantity_field
from transactions.models.imports import Import

_TRADES = list(named(figures="trade"))
_EVENTS = list(named(group=EVENTS_GROUP))
_SPLITS = list(named(rescales=True))
# What a holding or an account is paid, and what was withheld from it.
PAYMENTS = sorted(
    {
        *named(performance="income"),
        *named(performance="tax"),
        *named(reinvests=True),
        "return_of_capital",
        "stock_dividend",
    }
)


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def for_user(self, user: User) -> "TransactionQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


class Transaction(models.Model):
    """One transaction. It is never changed or deleted; a mistake is reversed by another row.

    `quantity` is positive where units move (units of that moment). Price per unit and amount
    before the fee are in `currency`. `cash_effect` is the change of the account's cash, in the
    account's currency, at `fx_rate` account units for one unit of `currency`. The fields of each
    type are defined in `transactions/ledger/kinds.py` and `entries.py`.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # Two indexes begin with it.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    type = models.CharField(max_length=24, choices=CHOICES)
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
    fx_rate = models.DecimalField(
        max_digits=limits.FX_RATE_DIGITS, decimal_places=limits.FX_RATE_DECIMALS, default=1
    )
    cash_effect = money_field()
    executed_at = models.DateTimeField()
    # The day at the place of the trade: it decides the year, the term and the 30 days.
    trade_date = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    # For a correction: the transaction it replaces, which was reversed together with it.
    corrects = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    # The new asset of a corporate action: the spun-off company, the successor or the new symbol.
    new_asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # New units for old ones, exactly: 3 for 2, 1 for 10.
    ratio_new = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    ratio_old = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    # The part of the parent's basis that goes to the child of a spin-off.
    basis_percentage = models.DecimalField(max_digits=12, decimal_places=8, null=True, blank=True)
    # The acquisition day of shares transferred from outside.
    opened_date = models.DateField(null=True, blank=True)
    # For a transfer in: the transfer out whose lots it takes.
    counterpart = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="taken_by"
    )
    # Fills with the same order id are one purchase.
    order_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH_MAX, blank=True)
    # The id of the row at its source.
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH_MAX, blank=True)
    import_batch = models.ForeignKey(
        Import,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )
    # For a sale by minimum tax: the owner's rates when it was recorded, {"short", "long"}.
    tax_rates = models.JSONField(default=dict, blank=True)
    # The lot method of a sale, kept so that a new default of the account changes no history.
    lot_method = models.CharField(max_length=16, choices=LotMethod.choices, blank=True)
    # For a sale of named lots: [{"lot_id", "quantity", "piece"?}].
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
                    type__in=_TRADES,
                    asset__isnull=False,
                    quantity__gt=0,
                    price__gte=0,
                )
                | ~Q(type__in=_TRADES),
            ),
            models.CheckConstraint(
                name="transaction_event_is_whole",
                condition=~Q(type__in=_EVENTS) | Q(asset__isnull=False),
            ),
            models.CheckConstraint(
                name="transaction_ratio_positive",
                condition=Q(ratio_new__isnull=True, ratio_old__isnull=True)
                | Q(ratio_new__gt=0, ratio_old__gt=0),
            ),
            models.CheckConstraint(
                name="transaction_amounts_not_negative",
                condition=Q(amount__gte=0, fee__gte=0, fx_rate__gt=0),
            ),
        ]
        indexes = [
            # For the list of an account and its keyset pages, newest first.
            models.Index(fields=["account", "-executed_at", "-id"], name="transaction_by_account"),
            # For the ledger of one asset in one account, in order of time.
            models.Index(
                fields=["account", "asset", "executed_at", "id"],
                name="transaction_by_asset",
                condition=Q(asset__isnull=False),
            ),
            # For finding a row of a file that is already in the ledger.
            models.Index(
                fields=["account", "external_id"],
                name="transaction_by_external_id",
                condition=~Q(external_id=""),
            ),
            # For the few rows that turn one asset into another or change units.
            models.Index(
                fields=["account", "asset", "new_asset"],
                name="transaction_leads_on",
                condition=Q(new_asset__isnull=False) | Q(ratio_new__isnull=False),
            ),
            # For the few rows that name a new asset, by that.
            models.Index(
                fields=["new_asset"],
                name="transaction_by_new_asset",
                condition=Q(new_asset__isnull=False),
            ),
            # For the splits of an account: prices made before one are divided by it.
            models.Index(
                fields=["account", "asset", "trade_date"],
                name="transaction_splits",
                condition=Q(type__in=_SPLITS),
            ),
            # For the income of accounts, by day.
            models.Index(
                fields=["account", "trade_date"],
                name="transaction_payments",
                condition=Q(type__in=PAYMENTS),
            ),
            models.Index(
                fields=["import_batch", "id"],
                name="transaction_by_import",
                condition=Q(import_batch__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    def get_type_display(self) -> str:  # type: ignore[no-redef]  # Django leaves ours alone
        """Return the label of the type. Django's own makes a table of all types for each row."""
        return KINDS[self.type].label

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    @property
    def opens_a_lot(self) -> bool:
        """Whether its public id names a lot; lots from an own account keep their old names."""
        acquires = self.kind.lots == "acquires"
        return acquires and self.reverses_id is None and self.counterpart_id is None

    @property
    def ratio(self) -> str | None:
        """The ratio of new to old units in the usual notation: 3:2."""
        if self.ratio_new is None or self.ratio_old is None:
            return None
        return f"{plain(self.ratio_new)}:{plain(self.ratio_old)}"
