"""API of prices: the newest of many symbols, and a household's own prices of one asset."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.errors import InvalidInput, NotFound
from core.limits import (
    OWN_PRICES_PER_REQUEST_MAX,
    PRICES_PER_REQUEST_MAX,
)
from core.money import plain
from core.money_text import plain_text
from edge.pagination import PageRequest, Pages, page_answer
from edge.schema import page_of, page_parameters
from edge.serializers import CurrencyField, PriceField, StrictSerializer
from identity.authentication import caller
from identity.models import Household, User
from identity.queries import household_seen
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata import operations
from marketdata import queries as market
from marketdata.models import Asset, OwnPrice, PriceOrigin
from marketdata.own_prices import StatedPrice
from portfolios.prices.rule import Quote
from portfolios.queries.household_prices import household_quotes
from portfolios.queries.price_warnings import PriceWarning, price_warnings


class OwnPriceWrite(StrictSerializer):
    date = serializers.DateField()
    close = PriceField(
        help_text="Price of one unit; with nominal, the price in percent of par: 98.5 is 98.5 %."
    )
    currency = CurrencyField(required=False)
    nominal = PriceField(required=False, allow_null=True)


class PriceWarningRead(serializers.Serializer[Any]):
    code = serializers.CharField()
    symbol = serializers.CharField()
    date = serializers.DateField(help_text="Day of the first price concerned.")
    detail = serializers.CharField()


class OwnPricesRecordedRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    recorded = serializers.IntegerField()
    warnings = PriceWarningRead(many=True)


class OwnPriceRead(serializers.Serializer[Any]):
    date = serializers.DateField()
    price = serializers.CharField()
    currency = serializers.CharField(help_text="Currency of the price: that of the security.")
    stated = serializers.CharField()
    stated_currency = serializers.CharField()
    nominal = serializers.CharField(allow_null=True)
    adjusted_until = serializers.DateField(allow_null=True)
    origin = serializers.ChoiceField(choices=PriceOrigin.choices)
    recorded_at = serializers.DateTimeField()


class QuoteRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField()
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    estimated = serializers.BooleanField()
    previous_close = serializers.CharField(allow_null=True)
    currency = serializers.CharField()


class OwnPricesView(APIView):
    @extend_schema(
        operation_id="market_asset_prices_list",
        responses=page_of(OwnPriceRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, symbol: str) -> Response:
        """Return your household's own prices of an asset, the newest first.

        Of an asset that only a client's household has, its prices.
        """
        user = caller(request)
        asset = market.asset(user=user, symbol=symbol.upper())
        household_id = asset.household_id or user.household_id
        rows = market.own_prices(household_id=household_id, asset=asset)
        return Pages().answer(
            request, rows, row=lambda row: own_price_row(row, currency=asset.currency)
        )

    @extend_schema(
        operation_id="market_asset_prices_create",
        request=OwnPriceWrite(many=True),
        responses=OwnPricesRecordedRead,
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, symbol: str) -> Response:
        """Write your household's own prices of an asset; a repeated day replaces the earlier price.

        They count where no source knows the price. No other household sees or uses them.
        """
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
        user = caller(request)

        def access() -> Household:
            return household_seen(user=user, public_id=None)

        def effect(household: Household) -> Answer:
            recorded = operations.record_own_prices(
                user=user,
                symbol=symbol.upper(),
                prices=[stated_price(row) for row in body.validated_data],
                now=now,
            )
            told = price_warnings(household_id=user.household_id, prices=recorded, now=now)
            return 200, {
                "symbol": symbol.upper(),
                "recorded": len(recorded),
                "warnings": [warning_row(one) for one in told],
            }

        return answered_once(request, now=now, access=access, effect=effect)


class OwnPriceView(APIView):
    @extend_schema(
        operation_id="market_asset_price_delete",
        responses={204: None},
        parameters=[
            OpenApiParameter(
                "day", date, OpenApiParameter.PATH, description="Day of the price, YYYY-MM-DD."
            )
        ],
    )
    def delete(self, request: Request, symbol: str, day: str) -> Response:
        """Delete your household's own price of one day."""
        operations.delete_own_price(user=caller(request), symbol=symbol.upper(), day=_day(day))
        return Response(status=204)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            "The day is not a valid date. Write it as YYYY-MM-DD.",
            code="date_invalid",
            fields={"day": ["must be YYYY-MM-DD"]},
        ) from None


def stated_price(row: Mapping[str, Any]) -> StatedPrice:
    """Return a price as a request states it."""
    return StatedPrice(row["date"], row["close"], row.get("currency", ""), row.get("nominal"))


def warning_row(one: PriceWarning) -> dict[str, object]:
    """A caution in the words of the API."""
    return {
        "code": one.code,
        "symbol": one.symbol,
        "date": one.day.isoformat(),
        "detail": one.detail,
    }


def own_price_row(row: OwnPrice, *, currency: str) -> dict[str, object]:
    """An own price in the words of the API."""
    return {
        "date": row.date.isoformat(),
        "price": plain(row.price),
        "currency": currency,
        "stated": plain(row.stated),
        "stated_currency": row.stated_currency,
        "nominal": plain_text(row.nominal),
        "adjusted_until": row.adjusted_until.isoformat() if row.adjusted_until else None,
        "origin": row.origin,
        "recorded_at": instant_text(row.recorded_at),
    }


class PricesPageSerializer(page_of(QuoteRead)):  # type: ignore[misc]
    unknown_symbols = serializers.ListField(
        child=serializers.CharField(),
        help_text="Requested symbols that do not exist or that the caller has no access to.",
    )


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
        user = caller(request)
        known = market.assets_seen(user=user, symbols=symbols)
        missing = [symbol for symbol in symbols if symbol not in known]
        if not known:
            raise NotFound(
                f"These symbols are not known: {', '.join(missing[:20])}. Search for them first.",
                code="symbol_unknown",
                fields={"symbols": [f"{symbol} is not known" for symbol in missing[:20]]},
            )
        prices = _prices(user, list(known.values()))
        data = [
            quote_row(known[symbol], prices.get(known[symbol].pk))
            for symbol in symbols
            if symbol in known
        ]
        page = PageRequest(number=1, size=len(data))
        answer = page_answer(data=data, total=len(data), page=page)
        return Response({**answer, "unknown_symbols": missing})


def _prices(user: User, assets: Sequence[Asset]) -> dict[int, Quote]:
    """Return the price of each asset for the household it belongs to, else for the user's own."""
    by_household: dict[int, list[Asset]] = {}
    for asset in assets:
        by_household.setdefault(asset.household_id or user.household_id, []).append(asset)
    now = timezone.now()
    found: dict[int, Quote] = {}
    for household_id, of_one in by_household.items():
        found |= household_quotes(household_id=household_id, assets=of_one, now=now)
    return found


def quote_row(asset: Asset, quote: Quote | None) -> dict[str, object]:
    """The price of an asset in the words of the API."""
    return {
        "symbol": asset.symbol,
        "price": plain(quote.price) if quote else None,
        "as_of": instant_text(quote.as_of) if quote else None,
        "stale": quote.stale if quote else True,
        "source": (quote.feed or quote.source) if quote else None,
        "estimated": quote.estimated if quote else False,
        "previous_close": plain_text(quote.previous_close) if quote else None,
        "currency": asset.currency,
    }


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
    path("market/assets/<str:symbol>/prices/<str:day>", OwnPriceView.as_view()),
    path("market/prices", PricesView.as_view()),
]
