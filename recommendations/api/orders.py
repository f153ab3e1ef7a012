"""Orders over HTTP: the list, and orders placed for an account or for a recommendation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput
from core.limits import LOTS_PER_SALE_MAX
from edge.filters import filter_parameters, filtered
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import PriceField, QuantityField, StrictSerializer, SymbolField
from identity.authentication import caller
from identity.models import User
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from recommendations import operations, queries
from recommendations.models import Recommendation
from transactions import queries as ledger
from transactions.api.ledger import LotChoice
from transactions.api.orders import OrderRead, order_row
from transactions.ledger.entries import ChosenLot
from transactions.models import Account, Order, OrderSide, OrderType
from transactions.operations.orders import Wish, place
from transactions.operations.orders.brokers import BROKER_CHOICES
from transactions.queries.orders import OrderFilter, orders, valued

_OF_A_TRADE = ("symbol", "side", "quantity", "type")


class OrderWrite(StrictSerializer):
    account_id = serializers.UUIDField(
        required=False, help_text="Account of an order of your own. Without `recommendation_id`."
    )
    recommendation_id = serializers.UUIDField(
        required=False,
        help_text="Approved recommendation. Alone, it orders every trade that has no order yet; "
        "with symbol, side, quantity and type, one of its trades.",
    )
    symbol = SymbolField(required=False)
    side = serializers.ChoiceField(choices=OrderSide.choices, required=False)
    quantity = QuantityField(required=False)
    type = serializers.ChoiceField(choices=OrderType.choices, required=False)
    limit_price = PriceField(required=False)
    lots: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LotChoice(),
        required=False,
        max_length=LOTS_PER_SALE_MAX,
        help_text="Lots that a sale names; they must add up to the quantity.",
    )
    whole_shares = serializers.BooleanField(
        required=False,
        help_text="For all trades of a recommendation: round down to whole shares. Default false.",
    )
    broker = serializers.ChoiceField(
        choices=BROKER_CHOICES,
        required=False,
        help_text="Broker to send the orders to, if one is connected to the account. Without it "
        "they are placed by hand.",
    )


class OrdersPlaced(serializers.Serializer[Any]):
    data = OrderRead(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for orders, checked for what belongs together."""

    wish: Wish | None
    whole_shares: bool
    broker: str = ""


class OrdersView(APIView):
    @extend_schema(
        operation_id="orders_list",
        responses=page_of(OrderRead, keyset=True),
        parameters=[
            OpenApiParameter("account_id", UUID, description="Only orders of this account (UUID)."),
            OpenApiParameter(
                "recommendation_id",
                UUID,
                description="Only orders for trades of this recommendation (UUID).",
            ),
            *filter_parameters(OrderFilter),
            *page_parameters(keyset=True),
        ],
    )
    def get(self, request: Request) -> Response:
        """List orders, newest first."""
        user = caller(request)
        asked = {
            name: serializers.UUIDField().run_validation(request.query_params[name])
            for name in ("account_id", "recommendation_id")
            if name in request.query_params
        }
        if "recommendation_id" in asked:
            queries.recommendation(user=user, public_id=asked["recommendation_id"])
        rows = filtered(OrderFilter, params=request.query_params, rows=orders(user=user, **asked))
        return Keyset(sort_key="created_at").answer(request, rows, row=order_row)

    @extend_schema(
        operation_id="orders_create",
        request=OrderWrite,
        responses={
            201: PolymorphicProxySerializer(
                component_name="OrderOrOrders",
                serializers=[OrderRead, OrdersPlaced],
                resource_type_field_name=None,
            )
        },
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Place an order: of one's own, or of an approved recommendation.

        With `recommendation_id` alone every trade without an order gets one, and the response
        lists them. Prices must be fresh, and what is sold must be held.
        """
        data = OrderWrite.parsed(request)
        now, user = timezone.now(), caller(request)
        recommendation_id, account_id = data.get("recommendation_id"), data.get("account_id")
        if (recommendation_id is None) == (account_id is None):
            raise InvalidInput(
                "Send either account_id or recommendation_id.",
                code="account_or_recommendation",
                fields={"account_id": ["is required unless there is a recommendation_id"]},
            )
        asked = _asked(data)

        def access() -> Model:
            if recommendation_id is not None:
                return queries.recommendation(user=user, public_id=recommendation_id)
            assert account_id is not None, "one of the two is there"
            return ledger.account(user=user, public_id=account_id)

        def effect(subject: Model) -> Answer:
            return 201, _placed(subject, asked, user, now)

        return answered_once(request, now=now, access=access, effect=effect)


def _asked(data: dict[str, Any]) -> _Asked:
    """Return the order that is asked for; None if all trades of a recommendation are."""
    given = [name for name in (*_OF_A_TRADE, "limit_price", "lots") if name in data]
    whole_shares = data.get("whole_shares", False)
    if "recommendation_id" in data and not given:
        return _Asked(None, whole_shares, data.get("broker", ""))
    if missing := [name for name in _OF_A_TRADE if name not in data]:
        raise InvalidInput(
            f"An order needs {', '.join(missing)}. Add what is missing.",
            code="required",
            fields={name: ["is required"] for name in missing},
        )
    if whole_shares:
        raise InvalidInput(
            "whole_shares is for all trades of a recommendation. Remove it, and send a whole "
            "quantity.",
            code="field_not_allowed",
            fields={"whole_shares": ["is not used with a quantity"]},
        )
    return _Asked(
        Wish(
            symbol=data["symbol"],
            side=data["side"],
            quantity=data["quantity"],
            type=data["type"],
            limit_price=data.get("limit_price"),
            lots=tuple(ChosenLot(**part) for part in data.get("lots", [])),
        ),
        False,
        data.get("broker", ""),
    )


def _placed(subject: Model, asked: _Asked, user: User, now: datetime) -> dict[str, object]:
    if isinstance(subject, Account):
        assert asked.wish is not None, "an order of the account is stated"
        made = place(account=subject, wishes=[asked.wish], user=user, now=now, broker=asked.broker)
    else:
        assert isinstance(subject, Recommendation), "the only other subject"
        if asked.wish is None:
            made = operations.order_trades(
                recommendation=subject,
                user=user,
                now=now,
                whole_shares=asked.whole_shares,
                broker=asked.broker,
            )
        else:
            made = [
                operations.order_trade(
                    recommendation=subject, wish=asked.wish, user=user, now=now, broker=asked.broker
                )
            ]
    rows = valued(Order.objects.filter(pk__in=[row.pk for row in made])).order_by("place", "id")
    shown = [order_row(row) for row in rows]
    if asked.wish is not None:
        return shown[0]
    return {"data": shown, "total": len(shown)}


urlpatterns = [path("orders", OrdersView.as_view())]
