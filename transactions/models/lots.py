"""Rows derived from the transactions: lots, disposals, wash sales, holdings."""

from decimal import Decimal

import pghistory
from django.db import models
from django.db.models import F, Q

from identity.models import Household, every_change
from marketdata.models import Asset
from transactions.models.accounts import Account, money_field, quantity_field
from transactions.models.transactions import Transaction


class Lot(models.Model):
    """The rest of a piece of one acquisition. `transaction` is the acquisition and identifies it.

    A lot is one piece until a wash sale divides it. A piece that replaced shares sold at a loss
    adds that loss to its basis, and the days those shares were held to its holding period.
    """

    # Two indexes begin with it.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="lots", db_index=False
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The unique key begins with it.
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="acquired_lots", db_index=False
    )
    piece = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    # The trade date of the acquisition; from outside, the day it was acquired there.
    opened_date = models.DateField()
    holding_period_date = models.DateField()
    quantity = quantity_field()
    cost_basis = money_field()
    # The part of the basis that is losses moved here by wash sales.
    wash_sale_adjustment = money_field(default=Decimal(0))
    # Its shares have replaced shares sold at a loss; shares can do so only once.
    replaces_loss = models.BooleanField(default=False)
    # The losses that shares of the acquisition have replaced, up to and including this piece's own.
    losses_replaced = models.PositiveIntegerField(db_default=0)
    # It was bought, so it may replace shares; not received in a split, a spin-off or a gift.
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
    """The part of a sale taken from one lot. Amounts are in the account's currency.

    recognized gain = proceeds - cost_basis + deferred_loss + permanent_loss
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
    opened_at = models.DateTimeField()
    opened_date = models.DateField()
    holding_period_date = models.DateField()
    closed_at = models.DateTimeField()
    closed_date = models.DateField()
    quantity = quantity_field()
    proceeds = money_field()
    cost_basis = money_field()
    wash_sale_adjustment = money_field(default=Decimal(0))
    long_term = models.BooleanField()
    # The state of the piece (see Lot), from which the lot before the sale can be restored.
    replaces_loss = models.BooleanField(default=False)
    losses_replaced = models.PositiveIntegerField(db_default=0)
    purchase = models.BooleanField(default=True)
    # The units whose loss is disallowed because other shares replaced them.
    matched_quantity = quantity_field(default=Decimal(0))
    # Moved into the basis of the replacement shares.
    deferred_loss = money_field(default=Decimal(0))
    # Replaced in a retirement account: the loss is permanently disallowed.
    permanent_quantity = quantity_field(default=Decimal(0))
    permanent_loss = money_field(default=Decimal(0))

    class Meta:
        constraints = [
            # Zero only if a return of capital exceeds the basis.
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
            # For the realized gains of a year.
            models.Index(fields=["account", "closed_date", "id"], name="disposal_by_date"),
            models.Index(fields=["account", "asset", "closed_at"], name="disposal_by_asset"),
            # For the disposals of a lot.
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
    # Units of the replacement and of the sale; a split between them makes these differ.
    quantity = quantity_field()
    loss_quantity = quantity_field()
    # `disallowed` is in the selling account's currency, `basis_added` in the replacement's.
    disallowed = money_field()
    basis_added = money_field()
    # The holding period of the shares sold, added to the replacement's (IRC 1223(3)).
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
    """A household's choices where the law of wash sales is open; without a row, the defaults."""

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
    """An account's holding of an asset: the sum of its open lots. Its key begins with account."""

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
