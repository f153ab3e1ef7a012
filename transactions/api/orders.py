"""Orders over HTTP. The list, and placing, are in `recommendations/api/orders.py`."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.errors import InvalidInput
from core.limits import FILLS_AT_ONCE_MAX
from core.money import WIDE, plain
from core.money_text import money_text, plain_text
from edge.serializers import (
    MoneyField,
    PlacedInstantField,
    PriceField,
    QuantityField,
    StrictSerializer,
)
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from transactions.models import Order, OrderFill, OrderSide, OrderType
from transactions.operations.orders import Fill, cancel_order, record_fills
from transactions.orders.states import CHOICES
from transactions.queries import orders as queries


class OrderRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    recommendation_id = serializers.UUIDField(allow_null=True)
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=OrderSide.choices)
    quantity = serializers.CharField()
    type = serializers.ChoiceField(choices=OrderType.choices)
    limit_price = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    state = serializers.ChoiceField(choices=CHOICES)
    filled_quantity = serializers.CharField()
    open_quantity = serializers.CharField()
    average_price = serializers.CharField(allow_null=True)
    expected_price = serializers.CharField(allow_null=True)
    broker = serializers.CharField(allow_null=True)
    broker_order_id = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class FillRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    transaction_id = serializers.UUIDField()
    quantity = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    fee = serializers.CharField()
    executed_at = serializers.DateTimeField()


class OrderDetail(OrderRead):
    fills = FillRead(many=True)


class FillWrite(StrictSerializer):
    quantity = QuantityField(help_text="Units executed.")
    price = PriceField()
    executed_at = PlacedInstantField(help_text="Time of execution, with its offset from UTC.")
    fee = MoneyField(required=False, help_text="Fees of the fill, in the currency of the security.")


def order_row(row: Order) -> dict[str, object]:
    """Return an order as JSON; needs its account, its asset and the value filled."""
    average = queries.average_price(row)
    return {
        "id": str(row.public_id),
        "account_id": str(row.account.public_id),
        "recommendation_id": str(row.recommendation_id) if row.recommendation_id else None,
        "symbol": row.asset.symbol,
        "side": row.side,
        "quantity": plain(row.quantity),
        "type": row.type,
        "limit_price": plain_text(row.limit_price),
        "currency": row.asset.currency,
        "state": row.state,
        "filled_quantity": plain(row.filled_quantity),
        "open_quantity": plain(row.standing.open),
        "average_price": None if average is None else plain(round(average, 8)),
        "expected_price": plain_text(row.expected_price),
        "broker": row.broker or None,
        "broker_order_id": row.broker_order_id or None,
        "reason": row.reason,
        "cancel_requested_at": (
            instant_text(row.cancel_requested_at) if row.cancel_requested_at else None
        ),
        "created_at": instant_text(row.created_at),
    }


def order_detail(row: Order) -> dict[str, object]:
    """Return an order with its fills as JSON."""
    return {**order_row(row), "fills": [fill_row(fill) for fill in queries.fills(orders=[row])]}


def fill_row(row: OrderFill) -> dict[str, object]:
    """Return a fill as JSON; needs its transaction."""
    fact = row.transaction
    price = WIDE.divide(fact.amount, row.quantity) if fact.price is None else fact.price
    return {
        "id": str(row.public_id),
        "transaction_id": str(fact.public_id),
        "quantity": plain(row.quantity),
        "price": plain(price),
        "amount": money_text(fact.amount, fact.currency),
        "fee": money_text(fact.fee, fact.currency),
        "executed_at": instant_text(fact.executed_at),
    }


class OrderView(APIView):
    @extend_schema(operation_id="orders_retrieve", responses=OrderDetail)
    def get(self, request: Request, order_id: UUID) -> Response:
        """Return an order with its fills."""
        return Response(order_detail(queries.order(user=caller(request), public_id=order_id)))


class OrderCancelView(APIView):
    @extend_schema(operation_id="orders_cancel", request=None, responses=OrderDetail)
    def post(self, request: Request, order_id: UUID) -> Response:
        """Cancel what is not yet filled; what was filled stays.

        An order at a broker is cancelled once the broker says so.
        """
        row = queries.order(user=caller(request), public_id=order_id)
        cancel_order(order=row, now=timezone.now())
        return Response(order_detail(queries.order(user=caller(request), public_id=order_id)))


class OrderFillsView(APIView):
    @extend_schema(
        operation_id="orders_fills_create",
        request=FillWrite(many=True),
        responses={201: OrderDetail},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Record fills of an order placed by hand, all or none. Each becomes a transaction.

        To take one back, reverse its transaction: the order is then open again.
        """
        rows = FillWrite.parsed_many(request, rows_max=FILLS_AT_ONCE_MAX)
        if not rows:
            raise InvalidInput("No fill was given. Send at least one.", code="fills_required")
        now, user = timezone.now(), caller(request)

        def access() -> Order:
            return queries.order(user=user, public_id=order_id)

        def effect(order: Order) -> Answer:
            fills = [Fill(order_id=order.pk, **row) for row in rows]
            record_fills(account=order.account, fills=fills, user=user, now=now)
            return 201, order_detail(queries.order(user=user, public_id=order_id))

        return answered_once(request, now=now, access=access, effect=effect)


urlpatterns = [
    path("orders/<uuid:order_id>", OrderView.as_view()),
    path("orders/<uuid:order_id>/cancel", OrderCancelView.as_view()),
    path("orders/<uuid:order_id>/fills", OrderFillsView.as_view()),
]
