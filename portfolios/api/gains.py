"""Realized gains over HTTP: lines, sums, Form 8949 and an account's part of Schedule D."""

from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import EARLIEST_DATE, TAX_YEAR_MAX
from core.money import plain
from core.money_text import money_text
from edge.pagination import Pages
from edge.renderers import CsvRenderer, OrjsonRenderer
from edge.schema import page_of, page_parameters
from edge.serializers import SymbolField
from identity.authentication import caller
from portfolios.api.tax_returns import (
    ReturnTotalsRead,
    TaxReturnRead,
    account_row,
    provisional_row,
    return_row,
    totals_row,
)
from portfolios.queries import gains, taxes
from portfolios.tax.form_8949 import form_8949
from portfolios.tax.gains import GainLine, GainsSummary, TermTotals
from portfolios.tax.tax_return import return_figures
from transactions import queries as ledger


class GainLineRead(serializers.Serializer[Any]):
    id = serializers.CharField(
        help_text="Stable id of the line: the sale, its part, and p if permanently disallowed."
    )
    sale_id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    symbol = serializers.CharField()
    type = serializers.CharField(help_text="Type of the transaction that closed the lot.")
    currency = serializers.CharField()
    quantity = serializers.CharField()
    opened_date = serializers.DateField()
    holding_period_date = serializers.DateField()
    closed_date = serializers.DateField()
    proceeds = serializers.CharField()
    cost_basis = serializers.CharField()
    gain = serializers.CharField()
    disallowed_loss = serializers.CharField()
    recognized_gain = serializers.CharField()
    term = serializers.ChoiceField(choices=["short", "long"])
    wash_sale = serializers.BooleanField()
    permanent = serializers.BooleanField()
    wash_sale_adjustment = serializers.CharField(
        help_text="Part of the cost basis that comes from earlier wash sales."
    )
    lot_id = serializers.UUIDField()
    taxable = serializers.BooleanField()
    provisional = serializers.BooleanField(
        help_text="Whether a purchase could still disallow the loss."
    )
    provisional_until = serializers.DateField(allow_null=True)


class SymbolGainsRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    short_term = ReturnTotalsRead()
    long_term = ReturnTotalsRead()
    total = ReturnTotalsRead()


class YearGainsRead(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    short_term = ReturnTotalsRead()
    long_term = ReturnTotalsRead()
    total = ReturnTotalsRead()
    provisional_loss = serializers.CharField()
    provisional_until = serializers.DateField(allow_null=True)


class GainsSummaryRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    currency = serializers.CharField()
    taxable = serializers.BooleanField()
    year = serializers.IntegerField(allow_null=True)
    years = YearGainsRead(many=True)
    symbols = SymbolGainsRead(many=True)


class AccountScheduleDRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    name = serializers.CharField()
    year = serializers.IntegerField()
    taxable = serializers.BooleanField()
    currency = serializers.CharField(help_text="Currency of the account.")
    converted = serializers.BooleanField(help_text="Whether the tax return is in another currency.")
    short_term = ReturnTotalsRead(help_text="Part I: the short-term rows of Form 8949.")
    long_term = ReturnTotalsRead(help_text="Part II: the long-term rows of Form 8949.")
    tax_return = TaxReturnRead(help_text="The tax return that includes this account.")


class GainsAsked(serializers.Serializer[Any]):
    """The filters of the list."""

    year = serializers.IntegerField(
        required=False, min_value=EARLIEST_DATE.year, max_value=TAX_YEAR_MAX
    )
    symbol = SymbolField(required=False)
    lot_id = serializers.UUIDField(required=False)
    term = serializers.ChoiceField(choices=["short", "long"], required=False)
    totals = serializers.BooleanField(required=False)


def asked(request: Request) -> dict[str, Any]:
    """Return the validated filters of a request."""
    serializer = GainsAsked(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def year_asked(request: Request) -> int:
    """Return the tax year of a request, by default this year (in UTC)."""
    return int(asked(request).get("year") or timezone.now().year)


YEAR = OpenApiParameter("year", int, description="Tax year of the trade date; default: this year.")


def gain_row(line: GainLine, *, as_of: date) -> dict[str, object]:
    """Render a gain line."""
    until = line.provisional_until(as_of=as_of)
    return {
        "id": line.id,
        "sale_id": line.sale_id,
        "account_id": line.account_id,
        "symbol": line.symbol,
        "type": line.event,
        "currency": line.currency,
        "quantity": plain(line.quantity),
        "opened_date": line.opened_date.isoformat(),
        "holding_period_date": line.holding_period_date.isoformat(),
        "closed_date": line.closed_date.isoformat(),
        **amounts_row(line),
        "lot_id": line.lot_id,
        "taxable": line.taxable,
        "provisional": until is not None,
        "provisional_until": until.isoformat() if until else None,
    }


def amounts_row(line: GainLine) -> dict[str, object]:
    """Render the amounts, the term and the wash sale of a line, recorded or previewed."""
    return {
        "proceeds": money_text(line.proceeds, line.currency),
        "cost_basis": money_text(line.cost_basis, line.currency),
        "gain": money_text(line.gain, line.currency),
        "disallowed_loss": money_text(line.disallowed_loss, line.currency),
        "recognized_gain": money_text(line.recognized_gain, line.currency),
        "term": "long" if line.long_term else "short",
        "wash_sale": line.wash_sale,
        "permanent": line.permanent,
        "wash_sale_adjustment": money_text(line.wash_sale_adjustment, line.currency),
    }


def summary_row(found: GainsSummary) -> dict[str, object]:
    """Render realized gains by year and by symbol."""
    return {
        "account_id": str(found.account_id),
        "currency": found.currency,
        "taxable": found.taxable,
        "year": found.year,
        "years": [
            {
                "year": row.year,
                **_terms_row(row.totals, found.currency),
                **provisional_row(row.provisional, currency=found.currency),
            }
            for row in found.years
        ],
        "symbols": [
            {"symbol": row.symbol, **_terms_row(row.totals, found.currency)}
            for row in found.symbols
        ],
    }


def _terms_row(terms: TermTotals, currency: str) -> dict[str, object]:
    return {
        "short_term": totals_row(terms.short_term, currency=currency),
        "long_term": totals_row(terms.long_term, currency=currency),
        "total": totals_row(terms.total, currency=currency),
    }


class GainsView(APIView):
    @extend_schema(
        operation_id="gains_list",
        responses=page_of(GainLineRead),
        parameters=[
            OpenApiParameter(
                "year", int, description="Tax year of the trade date; default: all years."
            ),
            OpenApiParameter("symbol", str),
            OpenApiParameter("lot_id", UUID),
            OpenApiParameter("term", str, enum=["short", "long"]),
            *page_parameters(),
        ],
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return realized gains, line by line, in the order of the sales."""
        account = ledger.account(user=caller(request), public_id=account_id)
        wanted = asked(request)
        term = wanted.get("term")
        rows = gains.disposals(
            account_ids=[account.pk],
            year=wanted.get("year"),
            symbol=wanted.get("symbol"),
            lot_id=wanted.get("lot_id"),
            long_term=None if term is None else term == "long",
        )
        policy = gains.wash_sale_policy(household_id=account.household_id)
        as_of = timezone.now().date()
        return Pages().answer(
            request,
            gains.line_rows(rows),
            rows=lambda page: [
                gain_row(line, as_of=as_of)
                for line in gains.lines_of(page, accounts={account.pk: account}, policy=policy)
            ],
        )


class GainsSummaryView(APIView):
    @extend_schema(
        operation_id="gains_summary",
        responses=GainsSummaryRead,
        parameters=[
            OpenApiParameter(
                "year", int, description="Year of the sums by symbol; default: all years."
            )
        ],
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return realized gains summed by year and by symbol."""
        account = ledger.account(user=caller(request), public_id=account_id)
        found = gains.gains_summary(
            account=account, year=asked(request).get("year"), as_of=timezone.now().date()
        )
        return Response(summary_row(found))


class Form8949View(APIView):
    renderer_classes = (OrjsonRenderer, CsvRenderer)

    @extend_schema(
        operation_id="gains_form_8949",
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[
            YEAR,
            OpenApiParameter(
                "totals", bool, description="Whether to add a row of totals to each part."
            ),
        ],
    )
    def get(self, request: Request, account_id: UUID) -> HttpResponse:
        """Return Form 8949 of an account and year as CSV, in the currency of the owner's return."""
        account = ledger.account_with_owner(user=caller(request), public_id=account_id)
        wanted = asked(request)
        year = year_asked(request)
        lines, currency = taxes.account_lines_as_filed(account=account, year=year)
        text = form_8949(lines, currency=currency, with_totals=wanted.get("totals", False))
        return HttpResponse(
            text,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="form-8949-{year}.csv"'},
        )


class ScheduleDView(APIView):
    @extend_schema(
        operation_id="gains_schedule_d", responses=AccountScheduleDRead, parameters=[YEAR]
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return an account's part of Schedule D, and the whole tax return."""
        account = ledger.account_with_owner(user=caller(request), public_id=account_id)
        year = year_asked(request)
        found = taxes.owner_return(account=account, year=year, as_of=timezone.now().date())
        mine = taxes.account_gains(found, account=account)
        return Response(
            {
                **account_row(mine, found),
                "year": year,
                "taxable": mine in found.accounts,
                "tax_return": return_row(return_figures(found)),
            }
        )


urlpatterns = [
    path("portfolios/<uuid:account_id>/gains", GainsView.as_view()),
    path("portfolios/<uuid:account_id>/gains/summary", GainsSummaryView.as_view()),
    path("portfolios/<uuid:account_id>/gains/form-8949", Form8949View.as_view()),
    path("portfolios/<uuid:account_id>/gains/schedule-d", ScheduleDView.as_view()),
]
