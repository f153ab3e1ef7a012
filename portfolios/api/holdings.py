"""Portfolios over HTTP: holdings, summary, lots, targets, restrictions."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import RESTRICTIONS_MAX, TARGETS_MAX
from core.money import WIDE, never_zero, plain
from core.money_text import exact_text, money_text, plain_text
from edge.pagination import PageRequest, Pages, page_answer, page_request
from edge.schema import page_of, page_parameters
from edge.serializers import PercentageField, StrictSerializer, SymbolField
from identity.authentication import caller
from portfolios import operations, queries
from portfolios.holdings.lots import LotValue
from portfolios.holdings.targets import ABSOLUTE, THRESHOLD_KINDS
from portfolios.holdings.valuation import Allocated, Estimates, Valuation, Valued
from portfolios.models import RestrictionKind, Target
from portfolios.prices.rule import PRICE_SOURCES
from portfolios.queries import AccountValue
from transactions import queries as ledger

_FOUR_DECIMALS = Decimal("0.0001")


class HoldingRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    asset_class = serializers.CharField()
    quantity = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField()
    price_source = serializers.ChoiceField(choices=PRICE_SOURCES, allow_null=True)
    estimated = serializers.BooleanField()
    currency = serializers.CharField()
    market_value = serializers.CharField(allow_null=True)
    account_currency = serializers.CharField()
    exchange_rate = serializers.CharField(
        allow_null=True, help_text="Units of account_currency for one unit of currency."
    )
    exchange_rate_date = serializers.DateField(
        allow_null=True, help_text="Date of the exchange rate; null when none is needed."
    )
    exchange_rate_stale = serializers.BooleanField(
        help_text="Whether the rate is older than one working day."
    )
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
    stale_exchange_rates = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies whose exchange rate is stale."
    )
    estimated_value = serializers.CharField()
    estimated_percentage = serializers.CharField(allow_null=True)
    estimated_symbols = serializers.ListField(child=serializers.CharField())
    estimated_oldest_date = serializers.DateField(allow_null=True)


class LotRead(serializers.Serializer[Any]):
    lot_id = serializers.UUIDField()
    piece = serializers.IntegerField(
        help_text="Number of the piece: a lot that wash sales divided shows one row per piece. A "
        "sale may name it."
    )
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
    rebalance_threshold = PercentageField(
        default=Decimal(5),
        help_text="Half the width of the band: percentage points, or percent of the target.",
    )
    threshold_kind = serializers.ChoiceField(
        choices=THRESHOLD_KINDS,
        default=ABSOLUTE,
        help_text="`absolute`: the threshold is in percentage points of the account. `relative`: "
        "in percent of the target.",
    )


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
            render=partial(page_bytes, page=page),
        )
        return HttpResponse(body, content_type="application/json")


class SummaryView(APIView):
    @extend_schema(operation_id="portfolio_summary", responses=SummaryRead)
    def get(self, request: Request, account_id: UUID) -> Response:
        """An account in a few figures."""
        found = queries.account_value(
            user=caller(request), account_id=account_id, now=timezone.now()
        )
        return Response({"account_id": str(account_id), **summary_row(found)})


class LotsView(APIView):
    @extend_schema(
        operation_id="lots_list",
        responses=page_of(LotRead),
        parameters=[
            OpenApiParameter("symbol", str),
            OpenApiParameter("closed", bool, description="Whether to include closed lots."),
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
        value = queries.account_value(user=caller(request), account_id=account_id, now=now).value
        return Pages().answer(
            request,
            rows,
            rows=lambda page: [
                lot_row(lot, account_id=account_id, currency=value.currency)
                for lot in queries.lot_values(lots=page, value=value, as_of=now.date())
            ],
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
            row=target_row,
        )

    @extend_schema(
        operation_id="targets_replace",
        request=TargetRow(many=True),
        responses=page_of(TargetRow),
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        """Replaces the target weights; they must sum to 100."""
        account = ledger.account(user=caller(request), public_id=account_id)
        data = TargetRow.parsed_many(request, rows_max=TARGETS_MAX)
        operations.set_targets(
            account=account,
            weights=[operations.TargetWeight(**row) for row in data],
            user=caller(request),
        )
        return self.get(request, account_id)


class RestrictionsView(APIView):
    @extend_schema(
        operation_id="restrictions_list",
        responses=page_of(RestrictionRow),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the restrictions of the account: what it must not buy or sell."""
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
        data = RestrictionRow.parsed_many(request, rows_max=RESTRICTIONS_MAX)
        operations.set_restrictions(account=account, rules=[operations.Rule(**row) for row in data])
        return self.get(request, account_id)


def page_bytes(found: AccountValue, *, page: PageRequest) -> bytes:
    """Render one page of holdings; the hot path of the API, hence without a serializer."""
    value = found.value
    rows = [
        holding_row(row, value=value)
        for row in value.holdings[page.offset : page.offset + page.size]
    ]
    answer = page_answer(data=rows, total=len(value.holdings), page=page)
    return msgspec.json.encode(answer)


def holding_row(row: Valued, *, value: Valuation) -> dict[str, object]:
    """A holding in the words of the API."""
    position, quote, rate = row.position, row.quote, row.rate
    home = value.currency
    exchanged = rate is not None and rate.base != rate.quote
    return {
        "symbol": position.symbol,
        "name": position.name,
        "asset_class": position.asset_class,
        "quantity": plain(position.quantity),
        "price": plain(quote.price) if quote else None,
        "as_of": instant_text(quote.as_of) if quote else None,
        "stale": quote.stale if quote else True,
        "price_source": quote.source if quote else None,
        "estimated": quote.estimated if quote else False,
        "currency": position.currency,
        "market_value": exact_text(row.value),
        "account_currency": home,
        "exchange_rate": plain(rate.rate) if rate else None,
        "exchange_rate_date": rate.date.isoformat() if rate and exchanged else None,
        "exchange_rate_stale": bool(rate and rate.stale),
        "market_value_account": exact_text(row.value_base),
        "cost_basis": money_text(position.cost_basis, home),
        "average_cost": plain(
            never_zero(row.average_cost, row.average_cost.quantize(_FOUR_DECIMALS, context=WIDE))
        ),
        "unrealized_gain": money_text(row.gain, home),
        "unrealized_gain_percentage": exact_text(row.gain_percentage),
        "day_change": exact_text(row.day_change_base),
        "weight": exact_text(value.weight(row)),
        "target_percentage": exact_text(position.target_percentage),
        "rebalance_threshold": exact_text(position.rebalance_threshold),
    }


def summary_row(found: AccountValue) -> dict[str, object]:
    """An account in a few figures, in the words of the API."""
    value, positions = found.value, found.positions
    home = value.currency
    return {
        "name": positions.name,
        "type": positions.type,
        "currency": home,
        "total_value": money_text(value.total, home),
        "invested_value": money_text(value.invested, home),
        "cash": money_text(value.cash, home),
        "cash_target_percentage": positions.cash_target,
        "cost_basis": money_text(value.cost_basis, home),
        "unrealized_gain": money_text(value.gain, home),
        "unrealized_gain_percentage": plain_text(value.gain_percentage),
        "day_change": money_text(value.day_change, home),
        "day_change_percentage": plain_text(value.day_change_percentage),
        "holdings": len(value.holdings),
        "allocation": allocation_rows(value.allocation, home),
        "unpriced_symbols": list(value.unpriced),
        "stale_symbols": list(value.stale),
        "stale_exchange_rates": list(value.stale_rates),
        **estimates_row(value.estimates, home),
    }


def estimates_row(found: Estimates, currency: str) -> dict[str, object]:
    """What is estimated of a total, in the words of the API."""
    oldest = found.oldest_date
    return {
        "estimated_value": money_text(found.value, currency),
        "estimated_percentage": plain_text(found.percentage),
        "estimated_symbols": list(found.symbols),
        "estimated_oldest_date": oldest.isoformat() if oldest else None,
    }


def allocation_rows(classes: Iterable[Allocated], currency: str) -> list[dict[str, object]]:
    """Asset classes in the words of the API."""
    return [
        {
            "asset_class": one.asset_class,
            "value": money_text(one.value, currency),
            "weight": plain_text(one.weight),
        }
        for one in classes
    ]


def lot_row(lot: LotValue, *, account_id: UUID, currency: str) -> dict[str, object]:
    """A lot in the words of the API."""
    return {
        "lot_id": str(lot.lot_id),
        "piece": lot.piece,
        "account_id": str(account_id),
        "symbol": lot.symbol,
        "quantity": plain(lot.quantity),
        "opened_date": lot.opened_date.isoformat(),
        "holding_period_date": lot.holding_period_date.isoformat(),
        "cost_basis": money_text(lot.cost_basis, currency),
        "wash_sale_adjustment": money_text(lot.wash_sale_adjustment, currency),
        "unrealized_gain": money_text(lot.unrealized_gain, currency),
        "term": "long" if lot.long_term else "short",
        "closed": lot.quantity == 0,
    }


def target_row(row: Target) -> dict[str, object]:
    """Render a target weight."""
    weight = queries.target_weight(row)
    return {
        "symbol": weight.symbol,
        "target_percentage": plain(weight.target_percentage),
        "rebalance_threshold": plain(weight.rebalance_threshold),
        "threshold_kind": weight.threshold_kind,
    }


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
