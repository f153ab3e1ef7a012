"""A household over HTTP: what it is worth and what it holds, over all accounts in one call."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import NAME_LENGTH_MAX
from core.money import plain
from core.money_text import money_text, plain_text
from edge.pagination import page_answer, page_request
from edge.schema import page_of, page_parameters
from edge.serializers import CurrencyField
from identity.authentication import caller
from marketdata.models import AssetClass
from portfolios.api.holdings import AllocationRead, allocation_rows, estimates_row
from portfolios.holdings.household_tables import SORTS, securities
from portfolios.holdings.households import AccountPart, HouseholdHolding, HouseholdValue
from portfolios.holdings.tables import Filters
from portfolios.prices.rule import PRICE_SOURCES
from portfolios.queries.households import household_worth


class HouseholdAccountRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    currency = serializers.CharField()
    total_value = serializers.CharField(help_text="Total value in the account's currency.")
    total_value_household = serializers.CharField(
        allow_null=True, help_text="In the household's currency; null without an exchange rate."
    )
    weight = serializers.CharField(
        allow_null=True, help_text="Share of the household's value, in percent."
    )


class HouseholdSummaryRead(serializers.Serializer[Any]):
    currency = serializers.CharField(help_text="Base currency of the caller.")
    total_value = serializers.CharField()
    invested_value = serializers.CharField()
    cash = serializers.CharField()
    unrealized_gain = serializers.CharField()
    unrealized_gain_percentage = serializers.CharField(allow_null=True)
    day_change = serializers.CharField()
    day_change_percentage = serializers.CharField(allow_null=True)
    holdings = serializers.IntegerField()
    accounts = HouseholdAccountRead(many=True)
    allocation = AllocationRead(many=True)
    unconverted_accounts = serializers.ListField(
        child=serializers.CharField(),
        help_text="Accounts without an exchange rate; the totals exclude them.",
    )
    unpriced_symbols = serializers.ListField(child=serializers.CharField())
    stale_symbols = serializers.ListField(child=serializers.CharField())
    stale_exchange_rates = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies whose exchange rate is stale."
    )
    estimated_value = serializers.CharField()
    estimated_percentage = serializers.CharField(allow_null=True)
    estimated_symbols = serializers.ListField(child=serializers.CharField())
    estimated_oldest_date = serializers.DateField(allow_null=True)


class HeldInRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    quantity = serializers.CharField()
    market_value = serializers.CharField(
        allow_null=True, help_text="In the household's currency; null without a price."
    )


class HouseholdHoldingRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    asset_class = serializers.CharField()
    quantity = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField()
    price_source = serializers.ChoiceField(choices=PRICE_SOURCES, allow_null=True)
    estimated = serializers.BooleanField()
    currency = serializers.CharField(help_text="Currency of the price.")
    household_currency = serializers.CharField(help_text="Currency of every amount of the row.")
    market_value = serializers.CharField(
        allow_null=True, help_text="In the household's currency; null without a price."
    )
    cost_basis = serializers.CharField()
    unrealized_gain = serializers.CharField(allow_null=True)
    unrealized_gain_percentage = serializers.CharField(allow_null=True)
    day_change = serializers.CharField(allow_null=True)
    weight = serializers.CharField(
        allow_null=True, help_text="Share of the household's value, in percent."
    )
    accounts = HeldInRead(many=True)


_SORTS = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]


class HoldingsAsked(serializers.Serializer[Any]):
    """The checked query of a list of holdings."""

    q = serializers.CharField(required=False, allow_blank=True, max_length=NAME_LENGTH_MAX)
    asset_class = serializers.ChoiceField(choices=AssetClass.values, required=False)
    currency = CurrencyField(required=False)
    account_id = serializers.UUIDField(required=False)
    losses_only = serializers.BooleanField(required=False)
    sort = serializers.ChoiceField(choices=_SORTS, required=False)


class HouseholdSummaryView(APIView):
    @extend_schema(operation_id="household_summary", responses=HouseholdSummaryRead)
    def get(self, request: Request) -> Response:
        """The household in a few figures, in the caller's base currency."""
        return Response(summary_row(household_worth(user=caller(request), now=timezone.now())))


class HouseholdHoldingsView(APIView):
    @extend_schema(
        operation_id="household_holdings_list",
        responses=page_of(HouseholdHoldingRead),
        parameters=[
            OpenApiParameter("q", str, description="Text in the symbol or the name."),
            OpenApiParameter(
                "asset_class", str, enum=AssetClass.values, description="Asset class of the rows."
            ),
            OpenApiParameter("currency", str, description="Currency of the price, ISO 4217."),
            OpenApiParameter(
                "account_id", str, description="Account (UUID) that holds the security."
            ),
            OpenApiParameter(
                "losses_only", bool, description="Only holdings worth less than cost."
            ),
            OpenApiParameter(
                "sort",
                str,
                enum=_SORTS,
                description="Column to sort by, after a minus the largest first; default: symbol.",
            ),
            *page_parameters(),
        ],
    )
    def get(self, request: Request) -> Response:
        """Every security of the household with the accounts that hold it, by symbol.

        `total` is the number of rows that match. A row without the figure it is sorted by comes
        last. Accounts without an exchange rate are left out; the summary names them.
        """
        page = page_request(request.query_params)
        serializer = HoldingsAsked(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        filters = Filters(
            text=asked.get("q", ""),
            asset_class=asked.get("asset_class", ""),
            currency=asked.get("currency", ""),
            losses_only=asked.get("losses_only", False),
        )
        found = household_worth(user=caller(request), now=timezone.now())
        matches = securities(
            household=found,
            filters=filters,
            account_id=asked.get("account_id"),
            sort=asked.get("sort", "symbol"),
        )
        shown = matches[page.offset : page.offset + page.size]
        return Response(
            page_answer(
                data=[holding_row(row, found) for row in shown],
                total=len(matches),
                page=page,
            )
        )


def summary_row(found: HouseholdValue) -> dict[str, object]:
    """Return a household's value as the API shows it."""
    currency = found.currency
    return {
        "currency": currency,
        "total_value": money_text(found.total, currency),
        "invested_value": money_text(found.invested, currency),
        "cash": money_text(found.cash, currency),
        "unrealized_gain": money_text(found.gain, currency),
        "unrealized_gain_percentage": plain_text(found.gain_percentage),
        "day_change": money_text(found.day_change, currency),
        "day_change_percentage": plain_text(found.day_change_percentage),
        "holdings": len(found.holdings),
        "accounts": [_account_row(part, found) for part in found.accounts],
        "allocation": allocation_rows(found.allocation, currency),
        "unconverted_accounts": list(found.unconverted),
        "unpriced_symbols": list(found.unpriced),
        "stale_symbols": list(found.stale),
        "stale_exchange_rates": list(found.stale_rates),
        **estimates_row(found.estimates, currency),
    }


def _account_row(part: AccountPart, household: HouseholdValue) -> dict[str, object]:
    total = household.account_total(part)
    return {
        "account_id": str(part.account_id),
        "name": part.name,
        "type": part.type,
        "currency": part.value.currency,
        "total_value": money_text(part.value.total, part.value.currency),
        "total_value_household": money_text(total, household.currency),
        "weight": plain_text(household.weight(total)),
    }


def holding_row(row: HouseholdHolding, household: HouseholdValue) -> dict[str, object]:
    """Return a security of a household as the API shows it."""
    currency, quote = household.currency, row.quote
    return {
        "symbol": row.position.symbol,
        "name": row.position.name,
        "asset_class": row.position.asset_class,
        "quantity": plain(row.quantity),
        "price": plain_text(quote.price if quote else None),
        "as_of": instant_text(quote.as_of) if quote else None,
        "stale": quote.stale if quote else True,
        "price_source": quote.source if quote else None,
        "estimated": quote.estimated if quote else False,
        "currency": row.position.currency,
        "household_currency": currency,
        "market_value": money_text(row.value, currency),
        "cost_basis": money_text(row.cost_basis, currency),
        "unrealized_gain": money_text(row.gain, currency),
        "unrealized_gain_percentage": plain_text(row.gain_percentage),
        "day_change": money_text(row.day_change, currency),
        "weight": plain_text(household.weight(row.value)),
        "accounts": [
            {
                "account_id": str(held.account_id),
                "quantity": plain(held.quantity),
                "market_value": money_text(held.value, currency),
            }
            for held in row.accounts
        ],
    }


urlpatterns = [
    path("households/me/summary", HouseholdSummaryView.as_view()),
    path("households/me/holdings", HouseholdHoldingsView.as_view()),
]
