"""API of an asset's price history: days, hours and minutes, as JSON or CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import ensure_known, instant_text
from core.errors import InvalidInput, Unavailable
from core.limits import HISTORY_DAYS_MAX, HISTORY_RECORDS_MAX
from core.money import plain
from edge.renderers import CsvRenderer, OrjsonRenderer
from identity.authentication import caller
from marketdata import queries
from marketdata.api.assets import AssetRead, asset_row
from marketdata.bars import ABSENT, Gap, Interval
from marketdata.history_pages import GAP_REASONS, NO_DATA, HistoryPage, day_of, price_text
from marketdata.models import OwnPrice
from marketdata.queries import Adjustment

INTERVALS = [interval.value for interval in Interval]
ADJUSTMENTS = [adjustment.value for adjustment in Adjustment]
_PRICES = ("open", "high", "low", "close")
_COLUMNS = ("date", "at", *_PRICES, "volume", "original_date")


class SessionRead(serializers.Serializer[Any]):
    date = serializers.DateField(help_text="Day of the session; of hours and minutes, in UTC.")
    at = serializers.DateTimeField(
        allow_null=True, help_text="First instant of an hour or a minute; null for a day."
    )
    open = serializers.CharField(allow_null=True)
    high = serializers.CharField(allow_null=True)
    low = serializers.CharField(allow_null=True)
    close = serializers.CharField()
    volume = serializers.IntegerField(allow_null=True)
    original_date = serializers.DateField(
        help_text="Real date of the price, before the sample was shifted by shifted_days."
    )


class HistoryGapRead(serializers.Serializer[Any]):
    from_date = serializers.DateField(help_text="First day without prices.")
    to_date = serializers.DateField(help_text="Last day without prices.")
    reason = serializers.ChoiceField(
        choices=GAP_REASONS,
        help_text=(
            "no_data: the exchange was open and there are no prices. Others: the tier of older "
            "prices did not answer; ask again later."
        ),
    )


class AnnouncedDividendRead(serializers.Serializer[Any]):
    ex_date = serializers.DateField(help_text="First day on which the shares trade without it.")
    amount = serializers.CharField(help_text="Cash of one share as its vendor states it.")
    currency = serializers.CharField()
    payment_date = serializers.DateField(
        allow_null=True, help_text="Null where the vendor does not say it."
    )


class HistoryRead(AssetRead):
    interval = serializers.ChoiceField(choices=INTERVALS)
    adjustment = serializers.ChoiceField(choices=ADJUSTMENTS)
    price_adjustment = serializers.CharField(
        help_text="What the publisher took out of earlier prices: none, splits or "
        "splits_and_dividends."
    )
    data = SessionRead(many=True)  # type: ignore[assignment]
    gaps = HistoryGapRead(many=True)
    dividends = AnnouncedDividendRead(
        many=True, help_text="Dividends of the range that a vendor announced, on its first page."
    )
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Cursor of the next page; null on the last one."
    )


class HistoryView(APIView):
    renderer_classes = (OrjsonRenderer, CsvRenderer)

    @extend_schema(
        operation_id="market_history_retrieve",
        responses={(200, "application/json"): HistoryRead, (200, "text/csv"): OpenApiTypes.STR},
        parameters=[
            OpenApiParameter(
                "from", date, description="First date; default: one year before `to`."
            ),
            OpenApiParameter("to", date, description="Last date; default: today."),
            OpenApiParameter(
                "interval",
                str,
                enum=INTERVALS,
                default="1d",
                description="Days, hours (from whole hours in UTC) or minutes.",
            ),
            OpenApiParameter(
                "adjustment",
                str,
                enum=ADJUSTMENTS,
                default="published",
                description=(
                    "published: as their source has them. raw: as traded. splits: in the units of "
                    "today, by the confirmed splits of the asset."
                ),
            ),
            OpenApiParameter(
                "limit", int, description=f"Records of a page; at most {HISTORY_RECORDS_MAX}."
            ),
            OpenApiParameter("cursor", str, description="next_cursor of the previous page."),
        ],
    )
    def get(self, request: Request, symbol: str) -> HttpResponse:
        """Return the history of an asset and its source, at most one year per request.

        Your household's own prices come before the first close. With `Accept: text/csv` the page is
        a CSV file, whose `Link` header has the next one; it is refused while a tier of older prices
        does not answer, because a file cannot say what is missing.
        """
        params = request.query_params
        interval = _choice(params, "interval", Interval, Interval.DAY)
        adjustment = _choice(params, "adjustment", Adjustment, Adjustment.PUBLISHED)
        limit, after = _limit(params), _after(params, interval)
        now = timezone.now()
        to_date = _date(params, "to") or now.date()
        from_date = _date(params, "from") or to_date - timedelta(days=HISTORY_DAYS_MAX)
        user = caller(request)
        asset = queries.asset(user=user, symbol=symbol.upper())
        household_id = asset.household_id or user.household_id
        own: Sequence[OwnPrice] = ()
        if interval is Interval.DAY:
            own = queries.own_history(
                household_id=household_id, asset=asset, from_date=from_date, to_date=to_date
            )
        page = queries.history_page(
            asset=asset,
            household_id=household_id,
            from_date=from_date,
            to_date=to_date,
            interval=interval,
            adjustment=adjustment,
            now=now,
            after=after,
            limit=limit,
        )
        data = bar_rows(page, shifted_days=asset.shifted_days)
        cut = page.next_after
        if own:
            before = [own_row(row) for row in own if after is None or row.date.toordinal() > after]
            if len(before) + len(data) > limit:
                data = (before + data)[:limit]
                cut = date.fromisoformat(str(data[-1]["date"])).toordinal()
            else:
                data = before + data
        cursor = None if cut is None else str(cut)
        if request.accepted_renderer.format == "csv":
            return _file(request, asset.symbol, data, page, cursor)
        dividends = (
            queries.announced_dividends(asset_ids=[asset.pk], from_date=from_date, to_date=to_date)
            if after is None
            else []
        )
        return Response(
            {
                **asset_row(asset),
                "interval": interval.value,
                "adjustment": adjustment.value,
                "price_adjustment": asset.price_adjustment,
                "data": data,
                "gaps": [gap_row(gap) for gap in page.gaps],
                "dividends": [
                    {
                        "ex_date": one.ex_date.isoformat(),
                        "amount": plain(one.amount),
                        "currency": one.currency,
                        "payment_date": one.payment_date and one.payment_date.isoformat(),
                    }
                    for one in dividends
                ],
                "next_cursor": cursor,
            }
        )


def bar_rows(page: HistoryPage, *, shifted_days: int) -> list[dict[str, object]]:
    """Render the bars of a page, with their original days."""
    shift = timedelta(days=shifted_days)
    daily = page.interval is Interval.DAY
    found: list[dict[str, object]] = []
    for _, at, *prices, volume in page.rows.tolist():
        day = day_of(at, page.interval)
        texts = (None if price == ABSENT else price_text(price) for price in prices)
        found.append(
            {
                "date": day.isoformat(),
                "at": None if daily else instant_text(datetime.fromtimestamp(at, UTC)),
                **dict(zip(_PRICES, texts, strict=True)),
                "volume": None if volume == ABSENT else volume,
                "original_date": (day - shift).isoformat(),
            }
        )
    return found


def gap_row(gap: Gap) -> dict[str, str]:
    """Render days without prices."""
    return {
        "from_date": gap.first.isoformat(),
        "to_date": gap.last.isoformat(),
        "reason": gap.reason,
    }


def own_row(row: OwnPrice) -> dict[str, object]:
    """Render a household's own price as a session of which only the close is known."""
    return {
        "date": row.date.isoformat(),
        **dict.fromkeys(("at", "open", "high", "low")),
        "close": plain(row.price),
        "volume": None,
        "original_date": row.date.isoformat(),
    }


def _file(
    request: Request,
    symbol: str,
    data: Sequence[Mapping[str, object]],
    page: HistoryPage,
    cursor: str | None,
) -> HttpResponse:
    away = [gap for gap in page.gaps if gap.reason != NO_DATA]
    if away:
        raise Unavailable(
            f"The prices from {away[0].first} to {away[0].last} cannot be read now. Try again "
            "later, or ask for a range without them.",
            code="prices_unavailable",
            retry_after_s=30,
        )
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(data)
    answer = HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{symbol}-{page.interval.value}.csv"'
        },
    )
    if cursor is not None:
        asked = request.query_params.copy()
        asked["cursor"] = cursor
        answer["Link"] = f'<{request.path}?{asked.urlencode()}>; rel="next"'
    return answer


def _choice(params: Mapping[str, str], name: str, choices: Any, default: Any) -> Any:
    text = params.get(name)
    if not text:
        return default
    try:
        return choices(text)
    except ValueError:
        allowed = ", ".join(choice.value for choice in choices)
        raise InvalidInput(
            f"{name} is not known. Send one of {allowed}.",
            code=f"{name}_unknown",
            fields={name: [f"must be one of {allowed}"]},
        ) from None


def _limit(params: Mapping[str, str]) -> int:
    text = params.get("limit")
    if not text:
        return HISTORY_RECORDS_MAX
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= HISTORY_RECORDS_MAX:
        raise InvalidInput(
            f"limit must be a whole number from 1 to {HISTORY_RECORDS_MAX}.",
            code="limit_invalid",
            fields={"limit": [f"must be from 1 to {HISTORY_RECORDS_MAX}"]},
        )
    return int(text)


def _after(params: Mapping[str, str], interval: Interval) -> int | None:
    text = params.get("cursor")
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else -1
    try:
        ensure_known(day_of(number, interval) if number > 0 else date.min, field="cursor")
    except (ValueError, OverflowError, OSError, InvalidInput):
        raise InvalidInput(
            "The cursor is not valid. Send next_cursor of the previous page unchanged.",
            code="cursor_invalid",
            fields={"cursor": ["must be next_cursor of the previous page, unchanged"]},
        ) from None
    return number


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
