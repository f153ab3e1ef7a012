"""Market data over HTTP: assets, own assets, prices, history, exchange rates."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.currencies import CURRENCIES
from core.dates import ensure_known, instant_text
from core.errors import InvalidInput, NotFound
from core.limits import (
    HISTORY_DAYS_MAX,
    NAME_LENGTH_MAX,
    NOTE_LENGTH_MAX,
    OWN_PRICES_PER_REQUEST_MAX,
    PRICES_PER_REQUEST_MAX,
)
from core.money import plain
from edge.pagination import PageRequest, Pages, counted, page_answer, page_request, reaches
from edge.schema import page_of, page_parameters
from edge.serializers import CurrencyField, PriceField, StrictSerializer, SymbolField
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from marketdata import operations, queries
from marketdata.models import Asset, AssetClass, IdentityDecision
from marketdata.operations import decide_own_identity
from marketdata.operations.own_assets import OwnPrice
from marketdata.quotes import quote_fields


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
    own = serializers.BooleanField(help_text="Seen by the own household only")
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    licence = serializers.CharField(allow_blank=True)
    shifted_days = serializers.IntegerField(help_text="Days a sample was moved; 0: real dates")
    original_first_date = serializers.DateField(allow_null=True)
    original_last_date = serializers.DateField(allow_null=True)


class OwnAssetWrite(StrictSerializer):
    symbol = SymbolField()
    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    currency = CurrencyField()
    asset_class = serializers.ChoiceField(choices=AssetClass.choices)
    substantially_identical_to = SymbolField(required=False, allow_null=True)


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


class SessionRead(serializers.Serializer[Any]):
    date = serializers.DateField()
    open = serializers.CharField(allow_null=True)
    high = serializers.CharField(allow_null=True)
    low = serializers.CharField(allow_null=True)
    close = serializers.CharField()
    volume = serializers.IntegerField(allow_null=True)
    original_date = serializers.DateField(help_text="The day it really was; see shifted_days")


class HistoryRead(AssetRead):
    interval = serializers.CharField()
    data = SessionRead(many=True)  # type: ignore[assignment]


class RateRead(serializers.Serializer[Any]):
    base = serializers.CharField()
    quote = serializers.CharField()
    rate = serializers.CharField(help_text="Units of quote for one base")
    date = serializers.DateField()
    stale = serializers.BooleanField()


class IdentityWrite(StrictSerializer):
    substantially_identical_to = SymbolField(allow_null=True)
    reason = serializers.CharField(
        max_length=NOTE_LENGTH_MAX, required=False, allow_blank=True, default=""
    )


class IdentityRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    substantially_identical_to = serializers.CharField(allow_null=True)
    previously = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(
        allow_null=True, help_text="When every ledger had followed."
    )


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
        return Response(
            page_answer(data=[queries.asset_row(row) for row in found], total=total, page=page)
        )

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

        def effect() -> tuple[int, dict[str, object]]:
            made = operations.create_own_asset(user=caller(request), **body.validated_data)
            return 201, queries.asset_row(made)

        return answered_once(request, now=timezone.now(), effect=effect)


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
            raise InvalidInput("Send a list of {date, close}.", code="list_required")
        if len(request.data) > OWN_PRICES_PER_REQUEST_MAX:
            raise InvalidInput(
                f"At most {OWN_PRICES_PER_REQUEST_MAX} prices at once.", code="too_many_rows"
            )
        body = OwnPriceWrite(data=request.data, many=True)
        body.is_valid(raise_exception=True)
        now = timezone.now()

        def effect() -> tuple[int, dict[str, object]]:
            count = operations.record_own_prices(
                user=caller(request),
                symbol=symbol.upper(),
                prices=[OwnPrice(row["date"], row["close"]) for row in body.validated_data],
                as_of=now.date(),
            )
            return 200, {"symbol": symbol.upper(), "recorded": count}

        return answered_once(request, now=now, effect=effect)


class PricesPageSerializer(page_of(QuoteRead)):  # type: ignore[misc]
    unknown_symbols = serializers.ListField(
        child=serializers.CharField(), help_text="Asked for, and not an asset the caller can see."
    )


class PricesView(APIView):
    @extend_schema(
        operation_id="market_prices_list",
        responses=PricesPageSerializer,
        parameters=[
            OpenApiParameter("symbols", str, required=True, description="Separated by commas")
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
                f"Not known: {', '.join(missing[:20])}.",
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


_UNPRICED: dict[str, object] = {
    "symbol": None,
    "price": None,
    "as_of": None,
    "stale": True,
    "source": None,
    "previous_close": None,
}


class HistoryView(APIView):
    @extend_schema(
        operation_id="market_history_retrieve",
        responses=HistoryRead,
        parameters=[
            OpenApiParameter("from", date, description="Default: a year before `to`"),
            OpenApiParameter("to", date, description="Default: today"),
            OpenApiParameter("interval", str, enum=["1d", "1h", "1m"], default="1d"),
        ],
    )
    def get(self, request: Request, symbol: str) -> Response:
        """Return the sessions of an asset and their source, at most a year at once."""
        params = request.query_params
        interval = params.get("interval") or "1d"
        if interval != "1d":
            raise InvalidInput(
                "Only daily history (1d) is available yet.",
                code="interval_not_available" if interval in {"1h", "1m"} else "interval_unknown",
                fields={"interval": ["must be 1d"]},
            )
        to_date = _date(params, "to") or timezone.now().date()
        from_date = _date(params, "from") or to_date - timedelta(days=HISTORY_DAYS_MAX)
        asset = queries.asset(user=caller(request), symbol=symbol.upper())
        rows = queries.history(asset=asset, from_date=from_date, to_date=to_date)
        return Response(
            {
                **queries.asset_row(asset),
                "interval": interval,
                "data": [queries.history_row(row, shifted_days=asset.shifted_days) for row in rows],
            }
        )


class IdentityView(APIView):
    @extend_schema(
        operation_id="asset_identity_list",
        responses=page_of(IdentityRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, symbol: str) -> Response:
        """List the decisions on an asset's substantial identity: by whom, when and why."""
        asset = queries.asset(user=caller(request), symbol=symbol.upper())
        return Pages().answer(
            request, queries.identity_decisions(asset=asset), row=partial(identity_row, asset)
        )

    @extend_schema(
        operation_id="asset_identity_decide",
        request=IdentityWrite,
        responses={201: IdentityRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, symbol: str) -> Response:
        """Decide for an own asset; past wash sales are rebooked within a minute."""
        queries.asset(user=caller(request), symbol=symbol.upper())
        data = IdentityWrite.parsed(request)
        now = timezone.now()

        def effect() -> tuple[int, dict[str, object]]:
            decision = decide_own_identity(
                user=caller(request),
                symbol=symbol.upper(),
                identical_to=data["substantially_identical_to"],
                now=now,
                reason=data["reason"],
            )
            return 201, identity_row(decision.asset, decision)

        return answered_once(request, now=now, effect=effect)


def identity_row(asset: Asset, decision: IdentityDecision) -> dict[str, object]:
    """Return a decision as the API shows it. Operators are not named to investors."""
    by = decision.decided_by
    return {
        "symbol": asset.symbol,
        "substantially_identical_to": (
            decision.identical_to.symbol if decision.identical_to else None
        ),
        "previously": decision.previously.symbol if decision.previously else None,
        "reason": decision.reason,
        "decided_by": by.email if asset.household_id is not None else "operator",
        "decided_at": instant_text(decision.decided_at),
        "applied_at": instant_text(decision.applied_at) if decision.applied_at else None,
    }


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
                f"No rate from {base} to {quote} is known.", code="exchange_rate_unknown"
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


def _symbols(params: Mapping[str, str]) -> list[str]:
    symbols = list(
        dict.fromkeys(
            text.strip().upper() for text in params.get("symbols", "").split(",") if text.strip()
        )
    )
    if not symbols:
        raise InvalidInput(
            "Name at least one symbol.",
            code="symbols_required",
            fields={"symbols": ["is required"]},
        )
    if len(symbols) > PRICES_PER_REQUEST_MAX:
        raise InvalidInput(
            f"At most {PRICES_PER_REQUEST_MAX} symbols at once.",
            code="too_many_symbols",
            fields={"symbols": [f"at most {PRICES_PER_REQUEST_MAX}"]},
        )
    return symbols


def _date(params: Mapping[str, str], name: str) -> date | None:
    text = params.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{name} is not a date.", code="date_invalid", fields={name: ["must be YYYY-MM-DD"]}
        ) from None
    ensure_known(day, field=name)
    return day


def _currency(params: Mapping[str, str], name: str) -> str:
    text = params.get(name, "").upper()
    if text not in CURRENCIES:
        raise InvalidInput(
            f"{name} is not a currency.",
            code="currency_unknown",
            fields={name: ["must be a currency of ISO 4217"]},
        )
    return text


urlpatterns = [
    path("market/assets", AssetsView.as_view()),
    path("market/assets/<str:symbol>/prices", OwnPricesView.as_view()),
    path("market/assets/<str:symbol>/identity", IdentityView.as_view()),
    path("market/prices", PricesView.as_view()),
    path("market/history/<str:symbol>", HistoryView.as_view()),
    path("market/fx", RateView.as_view()),
]
