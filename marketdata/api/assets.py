"""API of assets: search them, and create one for the caller's household."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import NAME_LENGTH_MAX
from edge.pagination import counted, page_answer, page_request, reaches
from edge.schema import page_of, page_parameters
from edge.serializers import CurrencyField, StrictSerializer, SymbolField
from identity.authentication import caller
from identity.models import Household
from identity.queries import household_seen
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata import operations, queries
from marketdata.models import Asset, AssetClass


class AssetRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    symbol = serializers.CharField()
    name = serializers.CharField()
    asset_class = serializers.ChoiceField(choices=AssetClass.choices)
    currency = serializers.CharField()
    isin = serializers.CharField(allow_blank=True)
    exchange = serializers.CharField(allow_blank=True)
    tradable = serializers.BooleanField()
    fractional = serializers.BooleanField()
    own = serializers.BooleanField(
        help_text="Whether the asset belongs to the caller's household, which alone can see it."
    )
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    licence = serializers.CharField(allow_blank=True)
    shifted_days = serializers.IntegerField(
        help_text="Days by which a sample was shifted; 0 means real dates."
    )
    original_first_date = serializers.DateField(allow_null=True)
    original_last_date = serializers.DateField(allow_null=True)


class OwnAssetWrite(StrictSerializer):
    symbol = SymbolField()
    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    currency = CurrencyField()
    asset_class = serializers.ChoiceField(choices=AssetClass.choices)
    substantially_identical_to = SymbolField(required=False, allow_null=True)


class AssetsView(APIView):
    @extend_schema(
        operation_id="market_assets_list",
        responses=page_of(AssetRead),
        parameters=[OpenApiParameter("q", str), *page_parameters()],
    )
    def get(self, request: Request) -> Response:
        """Find assets by symbol, name or ISIN: public ones and those of the user's households."""
        page = page_request(request.query_params)
        rows = queries.assets(user=caller(request), q=request.query_params.get("q", "")[:120])
        total = counted(rows)
        found = rows[page.offset : page.offset + page.size] if reaches(page.offset, total) else []
        return Response(page_answer(data=[asset_row(row) for row in found], total=total, page=page))

    @extend_schema(
        operation_id="market_assets_create",
        request=OwnAssetWrite,
        responses={201: AssetRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Create an asset that only the user's own household sees."""
        body = OwnAssetWrite(data=request.data)
        body.is_valid(raise_exception=True)

        def access() -> Household:
            return household_seen(user=caller(request), public_id=None)

        def effect(household: Household) -> Answer:
            made = operations.create_own_asset(user=caller(request), **body.validated_data)
            return 201, asset_row(made)

        return answered_once(request, now=timezone.now(), access=access, effect=effect)


def asset_row(row: Asset) -> dict[str, object]:
    """Render an asset with the source of its prices."""
    first, last = row.original_first_date, row.original_last_date
    return {
        "id": str(row.public_id),
        "symbol": row.symbol,
        "name": row.name,
        "asset_class": row.asset_class,
        "currency": row.currency,
        "isin": row.isin,
        "exchange": row.exchange,
        "tradable": row.tradable,
        "fractional": row.fractional,
        "own": row.household_id is not None,
        "source": row.source.name if row.source else None,
        "licence": row.source.licence if row.source else "",
        "shifted_days": row.shifted_days,
        "original_first_date": first.isoformat() if first else None,
        "original_last_date": last.isoformat() if last else None,
    }


urlpatterns = [path("market/assets", AssetsView.as_view())]
