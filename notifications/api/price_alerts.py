"""API of price alerts of one's own."""

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
from core.money import plain
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import PriceField, StrictSerializer, SymbolField
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata.models import Asset
from marketdata.queries import asset
from notifications import operations, queries
from notifications.models import AlertKind, PriceAlert


class PriceAlertWrite(StrictSerializer):
    symbol = SymbolField()
    kind = serializers.ChoiceField(choices=AlertKind.choices)
    value = PriceField()


class PriceAlertRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    symbol = serializers.CharField()
    kind = serializers.ChoiceField(choices=AlertKind.choices)
    value = PriceField()
    currency = serializers.CharField()
    armed = serializers.BooleanField()
    fired_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


def alert_row(alert: PriceAlert) -> dict[str, object]:
    """Return an alert as JSON values."""
    return {
        "id": str(alert.public_id),
        "symbol": alert.asset.symbol,
        "kind": alert.kind,
        "value": plain(alert.value),
        "currency": alert.asset.currency,
        "armed": alert.armed,
        "fired_at": instant_text(alert.fired_at) if alert.fired_at else None,
        "created_at": instant_text(alert.created_at),
    }


class PriceAlertsView(APIView):
    @extend_schema(
        operation_id="price_alerts_list",
        responses=page_of(PriceAlertRead, keyset=True),
        parameters=page_parameters(keyset=True),
    )
    def get(self, request: Request) -> Response:
        """List the caller's price alerts, newest first."""
        rows = queries.price_alerts(user=caller(request))
        return Keyset(sort_key="created_at").answer(request, rows, row=alert_row)

    @extend_schema(
        operation_id="price_alerts_create",
        request=PriceAlertWrite,
        responses={201: PriceAlertRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Set an alert: a message when the price crosses the value, once per crossing."""
        data = PriceAlertWrite.parsed(request)
        now = timezone.now()

        def access() -> Asset:
            return asset(user=caller(request), symbol=data["symbol"])

        def effect(found: Asset) -> Answer:
            alert = operations.create_price_alert(
                user=caller(request),
                asset=found,
                kind=data["kind"],
                value=data["value"],
                now=now,
            )
            return 201, alert_row(alert)

        return answered_once(request, now=now, access=access, effect=effect)


class PriceAlertView(APIView):
    @extend_schema(operation_id="price_alerts_delete", responses={204: None})
    def delete(self, request: Request, alert_id: UUID) -> Response:
        """Delete a price alert."""
        alert = queries.price_alert(user=caller(request), public_id=alert_id)
        operations.delete_price_alert(alert=alert)
        return Response(status=204)


urlpatterns = [
    path("notifications/alerts", PriceAlertsView.as_view()),
    path("notifications/alerts/<uuid:alert_id>", PriceAlertView.as_view()),
]
