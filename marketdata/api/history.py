"""API of an asset's price history."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import ensure_known
from core.errors import InvalidInput
from core.limits import HISTORY_DAYS_MAX
from core.money import plain
from core.money_text import plain_text
from identity.authentication import caller
from marketdata import queries
from marketdata.api.assets import AssetRead, asset_row
from marketdata.models import DailyPrice, OwnPrice


class SessionRead(serializers.Serializer[Any]):
    date = serializers.DateField()
    open = serializers.CharField(allow_null=True)
    high = serializers.CharField(allow_null=True)
    low = serializers.CharField(allow_null=True)
    close = serializers.CharField()
    volume = serializers.IntegerField(allow_null=True)
    original_date = serializers.DateField(
        help_text="Real date of the price, before the sample was shifted by shifted_days."
    )


class HistoryRead(AssetRead):
    interval = serializers.CharField()
    data = SessionRead(many=True)  # type: ignore[assignment]


class HistoryView(APIView):
    @extend_schema(
        operation_id="market_history_retrieve",
        responses=HistoryRead,
        parameters=[
            OpenApiParameter(
                "from", date, description="First date; default: one year before `to`."
            ),
            OpenApiParameter("to", date, description="Last date; default: today."),
            OpenApiParameter("interval", str, enum=["1d", "1h", "1m"], default="1d"),
        ],
    )
    def get(self, request: Request, symbol: str) -> Response:
        """Return the sessions of an asset and their source, at most one year per request.

        Your household's own prices come before the first close.
        """
        params = request.query_params
        interval = params.get("interval") or "1d"
        if interval != "1d":
            raise InvalidInput(
                "Only daily history is available. Send interval=1d.",
                code="interval_not_available" if interval in {"1h", "1m"} else "interval_unknown",
                fields={"interval": ["must be 1d"]},
            )
        to_date = _date(params, "to") or timezone.now().date()
        from_date = _date(params, "from") or to_date - timedelta(days=HISTORY_DAYS_MAX)
        user = caller(request)
        asset = queries.asset(user=user, symbol=symbol.upper())
        rows = queries.history(asset=asset, from_date=from_date, to_date=to_date)
        own = queries.own_history(
            household_id=asset.household_id or user.household_id,
            asset=asset,
            from_date=from_date,
            to_date=to_date,
        )
        return Response(
            {
                **asset_row(asset),
                "interval": interval,
                "data": [
                    *(own_row(row) for row in own),
                    *(history_row(row, shifted_days=asset.shifted_days) for row in rows),
                ],
            }
        )


def own_row(row: OwnPrice) -> dict[str, object]:
    """Render a household's own price as a session of which only the close is known."""
    return {
        "date": row.date.isoformat(),
        **dict.fromkeys(("open", "high", "low")),
        "close": plain(row.price),
        "volume": None,
        "original_date": row.date.isoformat(),
    }


def history_row(row: DailyPrice, *, shifted_days: int) -> dict[str, object]:
    """Render a session, with its original day."""
    return {
        "date": row.date.isoformat(),
        "open": plain_text(row.open),
        "high": plain_text(row.high),
        "low": plain_text(row.low),
        "close": plain(row.close),
        "volume": row.volume,
        "original_date": (row.date - timedelta(days=shifted_days)).isoformat(),
    }


def _date(params: Mapping[str, str], name: str) -> date | None:
    text = params.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{name} is not a valid date. Write it as YYYY-MM-DD.",
            code="date_invalid",
            fields={name: ["must be YYYY-MM-DD"]},
        ) from None
    ensure_known(day, field=name)
    return day


urlpatterns = [path("market/history/<str:symbol>", HistoryView.as_view())]
