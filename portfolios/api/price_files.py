"""Files of prices over HTTP: what they would change, and the same recorded."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import PRICE_FILE_ROWS_SHOWN_MAX
from core.money_text import plain_text
from edge.serializers import CurrencyField, PriceField, StrictSerializer, SymbolField
from edge.uploads import StrictFormParser
from identity.authentication import caller
from portfolios.api.prices import PriceWarningRead, warning_row
from portfolios.operations.price_files import (
    CHANGED,
    NEW,
    REFUSED,
    STATUSES,
    UNCHANGED,
    JudgedFile,
    JudgedRow,
    PriceUpload,
    judge_price_file,
)

_ORDER = {REFUSED: 0, CHANGED: 1, NEW: 2, UNCHANGED: 3}


class PriceFileWrite(StrictSerializer):
    file = serializers.FileField(
        allow_empty_file=True,
        max_length=1000,
        help_text="CSV of at most 1 MB: date, symbol or isin, price and currency in any order, or "
        "one security's history as Portfolio Performance, Yahoo and stooq write it.",
    )
    symbol = SymbolField(required=False, help_text="Security of the rows that name none.")
    currency = CurrencyField(required=False, help_text="Currency of the rows that name none.")
    nominal = PriceField(required=False)
    adjusted = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Whether the publisher divided earlier prices by later splits; by default true "
        "for files with opens, highs or lows.",
    )
    record = serializers.BooleanField(
        required=False, help_text="true: record what is taken; default: only a preview."
    )


class PriceFileRowRead(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    status = serializers.ChoiceField(choices=STATUSES)
    date = serializers.DateField(allow_null=True, help_text="Day of the price; null if unreadable.")
    symbol = serializers.CharField(allow_blank=True)
    stated = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_blank=True)
    price = serializers.CharField(allow_null=True)
    before = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)


class PriceFileRead(serializers.Serializer[Any]):
    recorded = serializers.BooleanField()
    adjusted = serializers.BooleanField()
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    rows = PriceFileRowRead(many=True)
    warnings = PriceWarningRead(many=True)


class PriceFilesView(APIView):
    parser_classes = [StrictFormParser]

    @extend_schema(
        operation_id="market_price_files_create",
        request={"multipart/form-data": PriceFileWrite},
        responses=PriceFileRead,
    )
    def post(self, request: Request) -> Response:
        """Preview a file of your household's own prices, or record what is taken of it.

        All rows that are taken are recorded together. The same file again changes nothing.
        """
        data = PriceFileWrite.parsed(request)
        upload = PriceUpload(
            content=data["file"].read(),
            symbol=data.get("symbol", ""),
            currency=data.get("currency", ""),
            nominal=data.get("nominal"),
            adjusted=data["adjusted"],
        )
        found = judge_price_file(
            user=caller(request),
            upload=upload,
            now=timezone.now(),
            record=data.get("record", False),
        )
        return Response(file_row(found))


def file_row(found: JudgedFile) -> dict[str, object]:
    """A file and its rows in the words of the API."""
    ordered = sorted(found.rows, key=lambda row: (_ORDER[row.status], row.line))
    return {
        "recorded": found.recorded,
        "adjusted": found.adjusted,
        **{status: found.count(status) for status in STATUSES},
        "rows": [judged_row(row) for row in ordered[:PRICE_FILE_ROWS_SHOWN_MAX]],
        "warnings": [warning_row(one) for one in found.warnings],
    }


def judged_row(row: JudgedRow) -> dict[str, object]:
    """A row of a file in the words of the API."""
    return {
        "line": row.line,
        "status": row.status,
        "date": row.day.isoformat() if row.day else None,
        "symbol": row.symbol,
        "stated": plain_text(row.stated),
        "currency": row.currency,
        "price": plain_text(row.price),
        "before": plain_text(row.before),
        "code": row.code,
        "detail": row.detail,
    }


urlpatterns = [path("market/price-files", PriceFilesView.as_view())]
