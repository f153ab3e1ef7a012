"""Orders, and the fills that became transactions of the ledger."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from core import limits
from core.identifiers import uuid7
from identity.models import User, household_ids
from marketdata.models import Asset
from transactions.models.accounts import Account, money_field, quantity_field
from transactions.models.transactions import Transaction
from transactions.orders.states import CHOICES, OPEN_STORED, Standing, State


class OrderSide(models.TextChoices):
    BUY = "buy"
    SELL = "sell"


class OrderType(models.TextChoices):
    MARKET = "market"
    LIMIT = "limit"


class OrderQuerySet(models.QuerySet["Order"]):
    def for_user(self, user: User) -> "OrderQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


class Order(models.Model):
    """One wish to buy or sell. `broker` is empty where the investor places it by hand.

    The public id is also the client id at a broker: it is written before anything is sent, and one
    order has one of them however often it is sent.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # Two indexes begin with it.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The recommendation whose trade it is, by its public id; its app stands above this one.
    recommendation_id = models.UUIDField(null=True, blank=True)
    # The place of the trade in the recommendation, and how many trades that has.
    place = models.PositiveSmallIntegerField(null=True, blank=True)
    trades = models.PositiveSmallIntegerField(null=True, blank=True)
    side = models.CharField(max_length=4, choices=OrderSide.choices)
    type = models.CharField(max_length=8, choices=OrderType.choices)
    quantity = quantity_field()
    limit_price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True, blank=True
    )
    # The price when the order was placed, in the currency of the asset.
    expected_price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True, blank=True
    )
    # For a sale of named lots: [{"lot_id", "quantity", "piece"?}].
    lots: "models.JSONField[Any, Any]" = models.JSONField(default=list, blank=True)
    broker = models.CharField(max_length=16, blank=True)
    broker_order_id = models.CharField(max_length=limits.EXTERNAL_ID_LENGTH_MAX, blank=True)
    state = models.CharField(max_length=16, choices=CHOICES, default=State.PLACED.value)
    filled_quantity = quantity_field(default=0)
    # Why it was rejected, or what stands against it now.
    reason = models.CharField(max_length=limits.NOTE_LENGTH_MAX, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # When the broker is asked next, while the order is open there.
    look_at = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="order_filled_within_quantity",
                condition=Q(filled_quantity__gte=0, filled_quantity__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="order_filled_is_filled",
                condition=Q(state=State.FILLED.value, filled_quantity=F("quantity"))
                | (~Q(state=State.FILLED.value) & Q(filled_quantity__lt=F("quantity"))),
            ),
            models.CheckConstraint(
                name="order_limit_has_price",
                condition=Q(type="limit", limit_price__gt=0)
                | Q(type="market", limit_price__isnull=True),
            ),
        ]
        indexes = [
            # The list of an account, newest first.
            models.Index(fields=["account", "-created_at", "-id"], name="order_by_account"),
            # The list of everything that a user may see.
            models.Index(fields=["-created_at", "-id"], name="order_newest"),
            # The orders of a recommendation, in the order of its trades.
            models.Index(
                fields=["recommendation_id", "place"],
                name="order_of_recommendation",
                condition=Q(recommendation_id__isnull=False),
            ),
            # What is still open in an account: shown first, and counted against what is held.
            models.Index(
                fields=["account", "asset"],
                name="order_open",
                condition=Q(state__in=OPEN_STORED),
            ),
            # Open orders at a broker, due to be looked at.
            models.Index(
                fields=["look_at"], name="order_to_look_at", condition=Q(look_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.public_id} {self.state}"

    @property
    def standing(self) -> Standing:
        """Return where the order stands."""
        return Standing(
            quantity=self.quantity,
            filled=self.filled_quantity,
            state=State(self.state),
            at_broker=bool(self.broker),
        )


class OrderFill(models.Model):
    """A part of an order that was executed, and the transaction it became.

    It counts while its transaction is not reversed. A correction of the transaction moves it on to
    the new one.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    transaction = models.OneToOneField(
        Transaction, on_delete=models.PROTECT, related_name="order_fill"
    )
    quantity = quantity_field()
    # What the broker said this part came to, whatever its transaction is corrected to. Null: filled
    # by hand.
    reported_amount = money_field(null=True, blank=True)
    # Fills recorded in one go have one batch, which is taken back in one go.
    batch = models.UUIDField(db_index=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="order_fill_positive", condition=Q(quantity__gt=0))
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class SimulatedBrokerOrder(models.Model):
    """The book of the simulated broker, which only a demonstration has."""

    client_id = models.CharField(max_length=64, unique=True)
    quantity = quantity_field()
    price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    filled = quantity_field(default=0)
    state = models.CharField(max_length=16)
    looks = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.client_id
