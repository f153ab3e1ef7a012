"""What happened: accounts, append-only transactions, and the lots and holdings they make."""

from decimal import Decimal
from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from core import limits
from core.identifiers import uuid7
from identity.models import Household, User, every_change, household_ids
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
    # Nothing can have happened in it before this day; unknown where absent.
    opened_date = models.DateField(null=True, blank=True)
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
    TAX = "tax", "Tax withheld"
    SPLIT = "split"
    TRANSFER_IN = "transfer_in", "Transfer in"
    TRANSFER_OUT = "transfer_out", "Transfer out"
    SPIN_OFF = "spin_off", "Spin-off"
    MERGER = "merger"
    SYMBOL_CHANGE = "symbol_change", "Symbol change"
    RETURN_OF_CAPITAL = "return_of_capital", "Return of capital"
    REINVESTMENT = "reinvestment", "Reinvested dividend"


class Import(models.Model):
    """A file of transactions somebody brought; what came of it is undone as one."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="imports")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.public_id)


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def for_user(self, user: User) -> "TransactionQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


class Transaction(models.Model):
    """One fact. Never changed and never deleted: a mistake is reversed by a row of its own.

    quantity > 0 where units move (units of that moment); price per unit and amount before the
    fee are in `currency`; `cash_effect` is what the account's cash gained or lost, in the
    account's currency, at `fx_rate` account units for one unit of `currency`. What each type
    means by its fields is written in `transactions/entries.py`.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transactions")
    type = models.CharField(max_length=24, choices=TransactionType.choices)
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
    # Where a corporate action leads: the child, the successor, the new symbol.
    new_asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # New units for old ones, exactly: 3 for 2, 1 for 10.
    ratio_new = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    ratio_old = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    # The part of the parent's basis a spin-off takes along.
    basis_percentage = models.DecimalField(max_digits=12, decimal_places=8, null=True, blank=True)
    # When shares that came from outside were acquired.
    opened_date = models.DateField(null=True, blank=True)
    # The transfer out whose lots a transfer in takes.
    counterpart = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="taken_by"
    )
    # Fills of one order are one purchase.
    order_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH_MAX, blank=True)
    # The name its source gives the row.
    external_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH_MAX, blank=True)
    import_batch = models.ForeignKey(
        Import,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )
    # The owner's rates on the day a sale for minimum tax was recorded: {"short", "long"}.
    tax_rates = models.JSONField(default=dict, blank=True)
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
                    type__in=["buy", "sell", "reinvestment"],
                    asset__isnull=False,
                    quantity__gt=0,
                    price__gte=0,
                )
                | ~Q(type__in=["buy", "sell", "reinvestment"]),
            ),
            models.CheckConstraint(
                name="transaction_event_is_whole",
                condition=~Q(type__in=["split", "spin_off", "merger", "symbol_change"])
                | Q(asset__isnull=False),
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
            # The list of an account and its keyset pages, newest first.
            models.Index(fields=["account", "-executed_at", "-id"], name="transaction_by_account"),
            # The ledger of one asset in one account, in the order it happened.
            models.Index(
                fields=["account", "asset", "executed_at", "id"],
                name="transaction_by_asset",
                condition=Q(asset__isnull=False),
            ),
            # Is a row of a file here already?
            models.Index(
                fields=["account", "external_id"],
                name="transaction_by_external_id",
                condition=~Q(external_id=""),
            ),
            # The few rows that lead from one asset to another.
            models.Index(
                fields=["account", "asset", "new_asset"],
                name="transaction_leads_on",
                condition=Q(new_asset__isnull=False),
            ),
            models.Index(
                fields=["import_batch", "id"],
                name="transaction_by_import",
                condition=Q(import_batch__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Lot(models.Model):
    """What is left of a piece of one acquisition. `transaction` is the acquisition and names it.

    A lot is one piece until a wash sale divides it: a piece that replaced shares sold at a loss
    has that loss in its basis and the days they were held before its own.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The unique key leads by it.
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="acquired_lots", db_index=False
    )
    piece = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    holding_period_date = models.DateField()
    quantity = quantity_field()
    cost_basis = money_field()
    # How much of the basis are losses that wash sales moved here.
    wash_sale_adjustment = money_field(default=Decimal(0))
    # Its shares have replaced shares sold at a loss; they do so once.
    replaces_loss = models.BooleanField(default=False)
    # It was bought (and may replace), not received in a split, a spin-off or a gift.
    purchase = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["transaction", "account", "asset", "piece"], name="lot_piece_unique"
            ),
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
    """The part of a sale that came out of one lot. Amounts in the account's currency.

    recognised gain = proceeds - cost_basis + deferred_loss + permanent_loss
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="disposals")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="disposals", db_index=False
    )
    part = models.PositiveIntegerField(default=0)
    lot_transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    piece = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    holding_period_date = models.DateField()
    closed_at = models.DateTimeField()
    quantity = quantity_field()
    proceeds = money_field()
    cost_basis = money_field()
    wash_sale_adjustment = money_field(default=Decimal(0))
    long_term = models.BooleanField()
    # The units whose loss is disallowed because other shares replaced them.
    matched_quantity = quantity_field(default=Decimal(0))
    # Moved into the basis of the replacement.
    deferred_loss = money_field(default=Decimal(0))
    # Replaced in a retirement account: the loss is nobody's any more.
    permanent_quantity = quantity_field(default=Decimal(0))
    permanent_loss = money_field(default=Decimal(0))

    class Meta:
        constraints = [
            # Zero only where a return of capital exceeds the basis.
            models.CheckConstraint(name="disposal_not_negative", condition=Q(quantity__gte=0)),
            models.UniqueConstraint(fields=["transaction", "part"], name="disposal_part_unique"),
            models.CheckConstraint(
                name="disposal_wash_sale_is_loss",
                condition=Q(deferred_loss=0, permanent_loss=0)
                | Q(
                    deferred_loss__gte=0,
                    permanent_loss__gte=0,
                    proceeds__lte=F("cost_basis") - F("deferred_loss") - F("permanent_loss"),
                ),
            ),
        ]
        indexes = [
            # Realised gains of a year.
            models.Index(fields=["account", "closed_at", "id"], name="disposal_by_date"),
            models.Index(fields=["account", "asset", "closed_at"], name="disposal_by_asset"),
            # What became of a lot.
            models.Index(fields=["lot_transaction", "id"], name="disposal_by_lot"),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} from {self.lot_transaction_id}"


class WashSale(models.Model):
    """Shares sold at a loss and the shares that replaced them (IRC 1091)."""

    sale = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="wash_sales", db_index=False
    )
    part = models.PositiveIntegerField()
    loss_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="wash_sales", db_index=False
    )
    loss_asset = models.ForeignKey(
        Asset, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    loss_lot = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    replacement = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="washes", db_index=False
    )
    replacement_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # Units of the replacement, and of the sale: a split may lie between them.
    quantity = quantity_field()
    loss_quantity = quantity_field()
    # In the currency of the account that sold; what the replacement's basis gained, in its own.
    disallowed = money_field()
    basis_added = money_field()
    # What was held of the shares sold counts as held of the replacement (IRC 1223(3)).
    days_held = models.PositiveIntegerField()
    permanent = models.BooleanField()
    sold_date = models.DateField()
    replacement_date = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="wash_sale_positive",
                condition=Q(quantity__gt=0, loss_quantity__gt=0, disallowed__gte=0),
            ),
            models.CheckConstraint(
                name="wash_sale_permanent_adds_nothing",
                condition=Q(permanent=False) | Q(basis_added=0),
            ),
        ]
        indexes = [
            models.Index(fields=["sale", "part"], name="wash_sale_by_sale"),
            models.Index(fields=["replacement", "id"], name="wash_sale_by_replacement"),
            models.Index(
                fields=["loss_account", "loss_asset", "sold_date"], name="wash_sale_by_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sale_id} replaced by {self.replacement_id}"


class HoldingPeriodMethod(models.TextChoices):
    ADD_DAYS = "add_days", "Add the days the shares sold were held"
    CARRY_DATE = "carry_date", "Carry over the date they were acquired"


@pghistory.track(*every_change())
class WashSalePolicy(models.Model):
    """How a household reads what the law leaves open; absent means the defaults."""

    household = models.OneToOneField(
        Household, primary_key=True, on_delete=models.CASCADE, related_name="wash_sale_policy"
    )
    enabled = models.BooleanField(default=True)
    earlier_acquired_count = models.BooleanField(default=True)
    holding_period = models.CharField(
        max_length=10, choices=HoldingPeriodMethod.choices, default=HoldingPeriodMethod.ADD_DAYS
    )
    employer_plan_counts = models.BooleanField(default=True)
    crypto_exempt = models.BooleanField(default=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"wash sales of {self.household_id}"


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
