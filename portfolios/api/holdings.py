"""Portfolios over HTTP: holdings, summary, lots, targets, restrictions."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge.pagination import Pages, page_request
from edge.schema import page_of, page_parameters
from edge.serializers import PercentageField, StrictSerializer, SymbolField
from identity.authentication import caller
from portfolios import operations, queries
from portfolios.models import RestrictionKind
from transactions import queries as ledger


class HoldingRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    asset_class = serializers.CharField()
    quantity = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField()
    currency = serializers.CharField()
    market_value = serializers.CharField(allow_null=True)
    account_currency = serializers.CharField()
    exchange_rate = serializers.CharField(allow_null=True)
    market_value_account = serializers.CharField(allow_null=True)
    cost_basis = serializers.CharField()
    average_cost = serializers.CharField()
    unrealized_gain = serializers.CharField(allow_null=True)
    unrealized_gain_percentage = serializers.CharField(allow_null=True)
    day_change = serializers.CharField(allow_null=True)
    weight = serializers.CharField(allow_null=True)
    target_percentage = serializers.CharField(allow_null=True)
    rebalance_threshold = serializers.CharField(allow_null=True)


class AllocationRead(serializers.Serializer[Any]):
    asset_class = serializers.CharField()
    value = serializers.CharField()
    weight = serializers.CharField(allow_null=True)


class SummaryRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    currency = serializers.CharField()
    total_value = serializers.CharField()
    invested_value = serializers.CharField()
    cash = serializers.CharField()
    cash_target_percentage = serializers.CharField(allow_null=True)
    cost_basis = serializers.CharField()
    unrealized_gain = serializers.CharField()
    unrealized_gain_percentage = serializers.CharField(allow_null=True)
    day_change = serializers.CharField()
    day_change_percentage = serializers.CharField(allow_null=True)
    holdings = serializers.IntegerField()
    allocation = AllocationRead(many=True)
    unpriced_symbols = serializers.ListField(child=serializers.CharField())
    stale_symbols = serializers.ListField(child=serializers.CharField())


class LotRead(serializers.Serializer[Any]):
    lot_id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    symbol = serializers.CharField()
    quantity = serializers.CharField()
    opened_date = serializers.DateField()
    holding_period_date = serializers.DateField()
    cost_basis = serializers.CharField()
    wash_sale_adjustment = serializers.CharField()
    unrealized_gain = serializers.CharField(allow_null=True)
    term = serializers.ChoiceField(choices=["short", "long"])
    closed = serializers.BooleanField()


class TargetRow(StrictSerializer):
    symbol = SymbolField()
    target_percentage = PercentageField()
    rebalance_threshold = PercentageField(default=Decimal(5))


class RestrictionRow(StrictSerializer):
    symbol = SymbolField()
    kind = serializers.ChoiceField(choices=RestrictionKind.choices)
    until_date = serializers.DateField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class HoldingsView(APIView):
    @extend_schema(
        operation_id="holdings_list",
        responses=page_of(HoldingRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> HttpResponse:
        """Current holdings at live prices."""
        page = page_request(request.query_params)
        body = queries.holdings_page(
            user=caller(request),
            account_id=account_id,
            page=page.number,
            page_size=page.size,
            now=timezone.now(),
        )
        return HttpResponse(body, content_type="application/json")


class SummaryView(APIView):
    @extend_schema(operation_id="portfolio_summary", responses=SummaryRead)
    def get(self, request: Request, account_id: UUID) -> Response:
        """An account in a few figures."""
        found = queries.positions(user=caller(request), account_id=account_id)
        return Response(queries.summary(positions=found, account_id=account_id, now=timezone.now()))


class LotsView(APIView):
    @extend_schema(
        operation_id="lots_list",
        responses=page_of(LotRead),
        parameters=[
            OpenApiParameter("symbol", str),
            OpenApiParameter("closed", bool, description="Include lots sold to the end."),
            *page_parameters(),
        ],
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Tax lots, by asset and age."""
        now = timezone.now()
        account = ledger.account(user=caller(request), public_id=account_id)
        rows = ledger.lots(
            account=account,
            symbol=request.query_params.get("symbol"),
            closed=request.query_params.get("closed", "").lower() in {"1", "true"},
        )
        found = queries.positions(user=caller(request), account_id=account_id)
        value = queries.account_valuation(positions=found, now=now)
        return Pages().answer(
            request,
            rows,
            rows=lambda page: queries.lot_rows(
                lots=page, account_id=str(account_id), value=value, as_of=now.date()
            ),
        )


class TargetsView(APIView):
    @extend_schema(
        operation_id="targets_list",
        responses=page_of(TargetRow),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Target weights; the symbol CASH stands for cash."""
        account = ledger.account(user=caller(request), public_id=account_id)
        return Pages().answer(
            request,
            queries.targets(account_pk=account.pk),
            rows=lambda page: queries.target_rows(targets=page),
        )

    @extend_schema(
        operation_id="targets_replace",
        request=TargetRow(many=True),
        responses=page_of(TargetRow),
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        """Replaces the target weights; they must sum to 100."""
        account = ledger.account(user=caller(request), public_id=account_id)
        data = TargetRow.parsed_many(request)
        operations.set_targets(
            account=account, weights=[operations.TargetWeight(**row) for row in data]
        )
        return self.get(request, account_id)


class RestrictionsView(APIView):
    @extend_schema(
        operation_id="restrictions_list",
        responses=page_of(RestrictionRow),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """What the account must not buy or sell."""
        account = ledger.account(user=caller(request), public_id=account_id)
        return Pages().answer(
            request, queries.restrictions(account_pk=account.pk), row=restriction_row
        )

    @extend_schema(
        operation_id="restrictions_replace",
        request=RestrictionRow(many=True),
        responses=page_of(RestrictionRow),
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        """Replaces the restrictions."""
        account = ledger.account(user=caller(request), public_id=account_id)
        data = RestrictionRow.parsed_many(request)
        operations.set_restrictions(account=account, rules=[operations.Rule(**row) for row in data])
        return self.get(request, account_id)


def restriction_row(row: Any) -> dict[str, object]:
    """A restriction in the words of the API."""
    return {
        "symbol": row.asset.symbol,
        "kind": row.kind,
        "until_date": row.until_date.isoformat() if row.until_date else None,
        "reason": row.reason,
    }


urlpatterns = [
    path("portfolios/<uuid:account_id>/holdings", HoldingsView.as_view()),
    path("portfolios/<uuid:account_id>/summary", SummaryView.as_view()),
    path("portfolios/<uuid:account_id>/lots", LotsView.as_view()),
    path("portfolios/<uuid:account_id>/targets", TargetsView.as_view()),
    path("portfolios/<uuid:account_id>/restrictions", RestrictionsView.as_view()),
]
