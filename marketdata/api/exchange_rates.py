"""Exchange rates over HTTP."""

from collections.abc import Mapping
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.currencies import CURRENCIES, is_small_unit
from core.errors import InvalidInput, NotFound
from core.money import plain
from marketdata import queries


class RateRead(serializers.Serializer[Any]):
    base = serializers.CharField()
    quote = serializers.CharField()
    rate = serializers.CharField(
        help_text="Units of the quote currency for one unit of the base currency."
    )
    date = serializers.DateField()
    stale = serializers.BooleanField()


class RateView(APIView):
    @extend_schema(
        operation_id="market_fx_retrieve",
        responses=RateRead,
        parameters=[
            OpenApiParameter("base", str, required=True),
            OpenApiParameter("quote", str, required=True),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the units of `quote` for one `base`, with the day and staleness of the rate."""
        base, quote = (_currency(request.query_params, name) for name in ("base", "quote"))
        found = queries.exchange_rates(pairs=[(base, quote)], as_of=timezone.now().date())
        rate = found.get((base, quote))
        if rate is None:
            raise NotFound(
                f"No exchange rate from {base} to {quote} is available. Check both currencies.",
                code="exchange_rate_unknown",
            )
        return Response(
            {
                "base": base,
                "quote": quote,
                "rate": plain(rate.rate),
                "date": rate.date.isoformat(),
                "stale": rate.stale,
            }
        )


def _currency(params: Mapping[str, str], name: str) -> str:
    stated = params.get(name, "")
    text = stated.upper()
    if is_small_unit(stated) or text not in CURRENCIES:
        raise InvalidInput(
            f"{name} is not a supported currency. Send an ISO 4217 code such as USD.",
            code="currency_unknown",
            fields={name: ["must be an ISO 4217 currency code"]},
        )
    return text


urlpatterns = [path("market/fx", RateView.as_view())]
