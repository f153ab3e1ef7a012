"""API of securities at vendors: find one, and follow it."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput
from edge import rate_limits
from edge.serializers import StrictSerializer
from identity.authentication import caller
from marketdata.api.assets import AssetRead, asset_row
from marketdata.models import AssetClass
from marketdata.operations.vendor_assets import (
    Found,
    find_at_vendors,
    follow_security,
    security_at,
)

_TEXT_LENGTH_MAX = 64


class FoundRead(serializers.Serializer[Any]):
    provider = serializers.CharField()
    provider_symbol = serializers.CharField()
    name = serializers.CharField()
    asset_class = serializers.ChoiceField(choices=AssetClass.choices)
    currency = serializers.CharField(allow_null=True)
    exchange = serializers.CharField(allow_blank=True)
    isin = serializers.CharField(allow_blank=True)
    known_as = serializers.CharField(allow_null=True)


class FoundList(serializers.Serializer[Any]):
    data = FoundRead(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


class FollowWrite(StrictSerializer):
    provider = serializers.CharField(max_length=32)
    provider_symbol = serializers.CharField(max_length=_TEXT_LENGTH_MAX)


class VendorAssetsView(APIView):
    @extend_schema(
        operation_id="market_vendor_assets_list",
        responses=FoundList,
        parameters=[OpenApiParameter("q", str, required=True)],
    )
    def get(self, request: Request) -> Response:
        """Find securities at this installation's vendors of market data, best first."""
        text = request.query_params.get("q", "").strip()
        if not 0 < len(text) <= _TEXT_LENGTH_MAX or not text.isprintable():
            raise InvalidInput(
                f"Send q, a symbol, a name or an ISIN of 1 to {_TEXT_LENGTH_MAX} characters.",
                code="invalid",
                fields={"q": [f"must have 1 to {_TEXT_LENGTH_MAX} characters"]},
            )
        user = caller(request)
        rate_limits.consume(
            rate_limits.VENDOR_SEARCH, request=request._request, subject=f"user:{user.pk}"
        )
        found = find_at_vendors(text=text, now=timezone.now())
        return Response({"data": [found_row(one) for one in found], "total": len(found)})


class ListingsView(APIView):
    @extend_schema(
        operation_id="market_listings_create",
        request=FollowWrite,
        responses={201: AssetRead},
    )
    def post(self, request: Request) -> Response:
        """Follow a security of a vendor: it becomes an asset that everyone may hold.

        Following it again changes nothing.
        """
        body = FollowWrite.parsed(request)
        user, now = caller(request), timezone.now()
        rate_limits.consume(
            rate_limits.VENDOR_SEARCH, request=request._request, subject=f"user:{user.pk}"
        )
        # The vendor is asked first: nothing is locked while it answers.
        security = security_at(**body, now=now)
        asset = follow_security(user=user, security=security, now=now)
        return Response(asset_row(asset), status=201)


def found_row(found: Found) -> dict[str, object]:
    """Render a security at a vendor."""
    return {
        "provider": found.provider,
        "provider_symbol": found.symbol,
        "name": found.name,
        "asset_class": found.asset_class,
        "currency": found.currency,
        "exchange": found.exchange,
        "isin": found.isin,
        "known_as": found.known_as,
    }


urlpatterns = [
    path("market/vendor-assets", VendorAssetsView.as_view()),
    path("market/listings", ListingsView.as_view()),
]
