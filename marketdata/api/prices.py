"""Prices over HTTP: the newest of many symbols, and the closes of own assets."""

from collections.abc import Mapping
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput, NotFound
from core.limits import (
    OWN_PRICES_PER_REQUEST_MAX,
    PRICES_PER_REQUEST_MAX,
)
from edge.pagination import PageRequest, page_answer
from edge.schema import page_of
from edge.serializers import PriceField, StrictSerializer
from identity.authentication import caller
from identity.models import Household
from identity.queries import household_seen
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata import operations, queries
from marketdata.operations.own_assets import OwnPrice
from marketdata.quotes import quote_fields


class OwnPriceWrite(StrictSerializer):
    date = serializers.DateField()
    close = PriceField()


class OwnPricesRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    recorded = serializers.IntegerField()


class QuoteRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField()
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    previous_close = serializers.CharField(allow_null=True)
    currency = serializers.CharField()


class OwnPricesView(APIView):
    @extend_schema(
        operation_id="market_asset_prices_create",
        request=OwnPriceWrite(many=True),
        responses=OwnPricesRead,
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, symbol: str) -> Response:
        """Write closes of an own asset; a repeated day replaces the earlier close."""
        if not isinstance(request.data, list):
            raise InvalidInput(
                "The body must be a list. Send a JSON array of {date, close} objects.",
                code="list_required",
            )
        if len(request.data) > OWN_PRICES_PER_REQUEST_MAX:
            raise InvalidInput(
                f"Too many prices. Send at most {OWN_PRICES_PER_REQUEST_MAX} at once.",
                code="too_many_rows",
            )
        body = OwnPriceWrite(data=request.data, many=True)
        body.is_valid(raise_exception=True)
        now = timezone.now()

        def access() -> Household:
            return household_seen(user=caller(request), public_id=None)

        def effect(household: Household) -> Answer:
            count = operations.record_own_prices(
                user=caller(request),
                symbol=symbol.upper(),
                prices=[OwnPrice(row["date"], row["close"]) for row in body.validated_data],
                as_of=now.date(),
            )
            return 200, {"symbol": symbol.upper(), "recorded": count}

        return answered_once(request, now=now, access=access, effect=effect)


class PricesPageSerializer(page_of(QuoteRead)):  # type: ignore[misc]
    unknown_symbols = serializers.ListField(
        child=serializers.CharField(),
        help_text="Requested symbols that do not exist or that the caller has no access to.",
    )


_UNPRICED: dict[str, object] = {
    "symbol": None,
    "price": None,
    "as_of": None,
    "stale": True,
    "source": None,
    "previous_close": None,
}


class PricesView(APIView):
    @extend_schema(
        operation_id="market_prices_list",
        responses=PricesPageSerializer,
        parameters=[
            OpenApiParameter(
                "symbols", str, required=True, description="Symbols, separated by commas."
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the newest prices of up to 1000 symbols, in the requested order.

        Unknown symbols are listed beside the prices; a request with no known symbol is a 404.
        """
        symbols = _symbols(request.query_params)
        known = queries.assets_seen(user=caller(request), symbols=symbols)
        missing = [symbol for symbol in symbols if symbol not in known]
        if not known:
            raise NotFound(
                f"These symbols are not known: {', '.join(missing[:20])}. Search for them first.",
                code="symbol_unknown",
                fields={"symbols": [f"{symbol} is not known" for symbol in missing[:20]]},
            )
        quotes = queries.quotes(assets=list(known.values()), now=timezone.now())
        data = []
        for symbol in symbols:
            if symbol not in known:
                continue
            asset = known[symbol]
            quote = quotes.get(asset.pk)
            fields = quote_fields(quote) if quote else {**_UNPRICED, "symbol": symbol}
            data.append({name: fields[name] for name in _UNPRICED} | {"currency": asset.currency})
        page = PageRequest(number=1, size=len(data))
        answer = page_answer(data=data, total=len(data), page=page)
        return Response({**answer, "unknown_symbols": missing})


def _symbols(params: Mapping[str, str]) -> list[str]:
    symbols = list(
        dict.fromkeys(
            text.strip().upper() for text in params.get("symbols", "").split(",") if text.strip()
        )
    )
    if not symbols:
        raise InvalidInput(
            "No symbol was given. Send at least one.",
            code="symbols_required",
            fields={"symbols": ["is required"]},
        )
    if len(symbols) > PRICES_PER_REQUEST_MAX:
        raise InvalidInput(
            f"Too many symbols. Ask for at most {PRICES_PER_REQUEST_MAX} at once.",
            code="too_many_symbols",
            fields={"symbols": [f"at most {PRICES_PER_REQUEST_MAX}"]},
        )
    return symbols


urlpatterns = [
    path("market/assets/<str:symbol>/prices", OwnPricesView.as_view()),
    path("market/prices", PricesView.as_view()),
]
