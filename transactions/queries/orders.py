"""Orders and their fills, for those who may see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import django_filters
from django.contrib.postgres.aggregates import ArrayAgg, BoolOr
from django.db.models import Case, Max, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import JSONObject

from core.errors import NotFound
from edge.filters import ChoicesFilter
from identity.models import User
from transactions.models import Lot, Order, OrderFill
from transactions.orders.states import CHOICES, OPEN_STORED, Progress, progress
from transactions.queries.ledger import account as ledger_account

# Fills that count: their transactions are not reversed.
_COUNTED = Q(transaction__reversed_by__isnull=True)


class OrderFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the list of orders."""

    state = ChoicesFilter(
        field_name="state",
        lookup_expr="in",
        choices=CHOICES,
        help_text="States, separated by commas.",
    )


def orders(
    *, user: User, account_id: UUID | None = None, recommendation_id: UUID | None = None
) -> "QuerySet[Order]":
    """Return orders, newest first, with their accounts and assets and the value filled.

    Whether the user may see the recommendation is for the caller to check.
    """
    rows = valued(Order.objects.for_user(user))
    if account_id is not None:
        rows = rows.filter(account=ledger_account(user=user, public_id=account_id))
    if recommendation_id is not None:
        rows = rows.filter(recommendation_id=recommendation_id)
    return rows.order_by("-created_at", "-id")


def valued(rows: "QuerySet[Order]") -> "QuerySet[Order]":
    """Add to each order its account, its asset, and the mean price of its fills that count.

    What a broker filled stays filled when its transaction is reversed, so the mean is of the same
    transactions above and below the line.
    """
    mean = (
        OrderFill.objects.filter(_COUNTED, order_id=OuterRef("pk"))
        .order_by()
        .values("order_id")
        .annotate(mean=Sum("transaction__amount") / Sum("transaction__quantity"))
        .values("mean")
    )
    return rows.select_related("account", "asset").annotate(mean_price=Subquery(mean))


def order(*, user: User, public_id: UUID) -> Order:
    """Return one order, if this user may see it."""
    found = orders(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The order does not exist, or you have no access to it.", code="order_not_found"
        )
    return found


def fills(*, orders: Sequence[Order]) -> "QuerySet[OrderFill]":
    """Return the fills of orders that count, in the order in which they were recorded."""
    return (
        OrderFill.objects.filter(_COUNTED, order__in=orders)
        .select_related("transaction", "order__asset")
        .order_by("id")
    )


def orders_of(*, recommendation_id: UUID) -> "QuerySet[Order]":
    """Return the orders of a recommendation, by its trades and oldest first."""
    rows = valued(Order.objects.filter(recommendation_id=recommendation_id))
    return rows.order_by("place", "id")


def average_price(row: Order) -> Decimal | None:
    """Return the mean price of what is filled, in the currency of the asset; None if nothing is."""
    found: Decimal | None = getattr(row, "mean_price", None)
    return found


def tally_of_orders() -> Subquery:
    """Return how the orders of a recommendation stand, for a query of recommendations."""
    rows = (
        Order.objects.filter(recommendation_id=OuterRef("public_id"))
        .order_by()
        .values("recommendation_id")
        .annotate(
            tally=JSONObject(
                trades=Max("trades"),
                places=ArrayAgg("place", distinct=True),
                anything_filled=BoolOr(Case(When(filled_quantity__gt=0, then=True), default=False)),
                anything_open=BoolOr(Case(When(state__in=OPEN_STORED, then=True), default=False)),
            )
        )
    )
    return Subquery(rows.values("tally"))


def progress_of(tally: Mapping[str, Any] | None) -> Progress:
    """Return how far a recommendation is, from what `tally_of_orders` found."""
    if tally is None:
        return Progress.APPROVED
    return progress(
        trades=tally["trades"] or 0,
        ordered=len(tally["places"]),
        anything_filled=bool(tally["anything_filled"]),
        anything_open=bool(tally["anything_open"]),
    )


@dataclass(frozen=True, slots=True)
class NamedLot:
    """A lot that an order names, as a person tells it to a broker."""

    quantity: Decimal
    opened: str


def named_lots(*, stored: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[int, list[NamedLot]]:
    """Return lots in the form in which orders keep them with their days of purchase, in one query.

    The keys are the caller's: those of orders, or places of trades.
    """
    wanted = {part["lot_id"] for parts in stored.values() for part in parts}
    opened = {
        str(lot_id): day.isoformat()
        for lot_id, day in Lot.objects.filter(transaction__public_id__in=wanted)
        .order_by("transaction__public_id", "piece")
        .values_list("transaction__public_id", "opened_date")
    }
    return {
        key: [NamedLot(Decimal(part["quantity"]), opened.get(part["lot_id"], "")) for part in parts]
        for key, parts in stored.items()
    }
