"""Performance over HTTP: of an account, of one holding in it, of a household."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.money import minor_unit
from core.money_text import money_text, plain_text
from edge.serializers import SymbolField
from identity.authentication import caller
from portfolios.performance.answer import Answer, Bridge, Columns, Contribution, Fall
from portfolios.performance.period import MONEY_FIGURES
from portfolios.queries import performance as queries
from portfolios.queries.performance_inputs import Period


def figure(help_text: str) -> serializers.CharField:
    """A figure as text, null where it does not exist; `reasons` then says why."""
    return serializers.CharField(allow_null=True, help_text=help_text)


class ReasonRead(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class DrawdownRead(serializers.Serializer[Any]):
    depth = serializers.CharField(
        help_text="Depth, 0 or negative; -0.25 means a loss of a quarter."
    )
    peak_date = serializers.DateField()
    trough_date = serializers.DateField()
    recovery_date = serializers.DateField(allow_null=True)
    length_days = serializers.IntegerField(
        help_text="Days until the recovery, or until the end of the period."
    )


class ValueReconciliationRead(serializers.Serializer[Any]):
    initial_value = serializers.CharField()
    gains = serializers.CharField(help_text="Price gains, realized and unrealized.")
    income = serializers.CharField()
    net_transfers = serializers.CharField()
    fees = serializers.CharField()
    taxes = serializers.CharField()
    currency_effect = serializers.CharField()
    final_value = serializers.CharField(
        help_text="initial_value + gains + income + net_transfers - fees - taxes + currency_effect"
    )


class YearOfReturnsRead(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    months = serializers.ListField(
        child=serializers.CharField(allow_null=True), help_text="January to December."
    )
    year_return = serializers.CharField(allow_null=True)


class ContributionRead(serializers.Serializer[Any]):
    symbol = serializers.CharField(allow_null=True, help_text="Null: cash.")
    name = serializers.CharField()
    gain = serializers.CharField(help_text="Sum of the following terms, minus fees and taxes.")
    price_gain = serializers.CharField()
    income = serializers.CharField()
    fees = serializers.CharField()
    taxes = serializers.CharField()
    currency_effect = serializers.CharField()
    contribution = figure(
        "Contribution to the time-weighted return; all contributions add up to it."
    )


class PerformanceDayRead(serializers.Serializer[Any]):
    date = serializers.DateField()
    value = figure("At the close.")
    net_transfers = serializers.CharField(
        help_text="Cumulative return since the start of the period."
    )
    index = figure("Growth of 1.")
    benchmark_index = figure("Value of 1 invested in the benchmark.")


class PerformanceWarningRead(serializers.Serializer[Any]):
    code = serializers.CharField()
    symbol = serializers.CharField()
    detail = serializers.CharField()


class PerformanceEstimateRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    from_date = serializers.DateField(help_text="First day on which your own trade price was used.")
    to_date = serializers.DateField(help_text="Last day on which your own trade price was used.")
    days = serializers.IntegerField(help_text="Number of days on which it was used.")


class PerformanceRead(serializers.Serializer[Any]):
    """Returns are fractions as text: "0.125" is 12.5 %."""

    account_id = serializers.UUIDField(
        allow_null=True, help_text="Account (UUID); null for the household."
    )
    symbol = serializers.CharField(
        allow_null=True, help_text="Symbol of the selected holding; null for all."
    )
    currency = serializers.CharField()
    from_ = serializers.DateField(help_text="The first day of the period.")
    to = serializers.DateField()
    measured_from = serializers.DateField(
        help_text="Date of the close that returns start from: the day before `from`, or the first "
        "day with money."
    )
    days = serializers.IntegerField()
    time_weighted_return = figure("Of the period, chained by day.")
    time_weighted_return_annualized = figure("Annualized; null for periods of up to one year.")
    money_weighted_return = figure("Of the period: the annualized rate over its days.")
    money_weighted_return_annualized = figure("XIRR: a yearly rate, actual/365.")
    volatility = figure("Annualized: of daily log returns, 252 sessions a year.")
    max_drawdown = figure("Of the period: depth of the deepest drawdown, not above 0.")
    sharpe_ratio = figure("Annualized, over risk_free_series.")
    initial_value = figure("At the close before the period.")
    final_value = figure("At the close of its last day.")
    local_return = figure(
        "Of the period: (1 + local_return) * (1 + currency_return) is 1 + the return."
    )
    currency_return = figure("Of the period: the part of exchange rates.")
    local_contribution = figure("local_contribution + currency_contribution is the return.")
    currency_contribution = figure("The part of exchange rates.")
    benchmark_return = figure("Of the period, in the currency of the answer.")
    benchmark_return_annualized = figure("Annualized; null for periods of up to one year.")
    excess_return = figure("Of the period: time_weighted_return - benchmark_return.")
    drawdown = DrawdownRead(allow_null=True)
    risk_free_series = serializers.CharField(allow_null=True)
    benchmark = serializers.CharField(allow_null=True)
    reconciliation = ValueReconciliationRead(allow_null=True)
    months = YearOfReturnsRead(many=True)
    contributions = ContributionRead(many=True)
    series = PerformanceDayRead(many=True)
    series_interval_days = serializers.IntegerField(
        help_text=(
            "Days between two points: 1 for up to 10000 days. The last day is always included."
        )
    )
    reasons = serializers.DictField(
        child=ReasonRead(),
        help_text=(
            "Reason for each figure that is null, by name; `months` and `series` cover their "
            "own nulls."
        ),
    )
    warnings = PerformanceWarningRead(many=True)
    estimates = PerformanceEstimateRead(
        many=True,
        help_text="Holdings valued at the price of your own last trade, because no other price is "
        "known, and the days concerned.",
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        return {
            "from" if name == "from_" else name: field
            for name, field in super().get_fields().items()
        }


class PerformanceAsked(serializers.Serializer[Any]):
    """The checked query of a request."""

    to = serializers.DateField(required=False)
    benchmark = SymbolField(required=False)
    symbol = SymbolField(required=False)
    account_id = serializers.UUIDField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(required=False), **super().get_fields()}


def asked(request: Request) -> tuple[Period, dict[str, Any]]:
    """The period of a request, and what else it names."""
    serializer = PerformanceAsked(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    values = dict(serializer.validated_data)
    return Period(values.pop("from", None), values.pop("to", None)), values


_PERIOD = [
    OpenApiParameter("from", str, description="First date; default: the first transaction."),
    OpenApiParameter("to", str, description="Last date; default: today."),
    OpenApiParameter("benchmark", str, description="Symbol of the benchmark to compare with."),
]


class PerformanceView(APIView):
    @extend_schema(
        operation_id="portfolio_performance",
        responses=PerformanceRead,
        parameters=[
            *_PERIOD,
            OpenApiParameter(
                "symbol", str, description="Symbol of one holding; default: the whole account."
            ),
        ],
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the performance of an account or one holding in it, in the account's currency."""
        period, values = asked(request)
        found = queries.account_performance(
            user=caller(request),
            account_id=account_id,
            period=period,
            now=timezone.now(),
            benchmark=values.get("benchmark"),
            symbol=values.get("symbol"),
        )
        whose = {"account_id": str(account_id), "symbol": values.get("symbol")}
        return Response({**whose, **performance_row(found)})


class HouseholdPerformanceView(APIView):
    @extend_schema(
        operation_id="household_performance",
        responses=PerformanceRead,
        parameters=[
            *_PERIOD,
            OpenApiParameter(
                "account_id",
                str,
                description="An account of the household to show; default: your own household.",
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the performance of all accounts of a household, in the caller's base currency."""
        period, values = asked(request)
        found = queries.household_performance(
            user=caller(request),
            period=period,
            now=timezone.now(),
            benchmark=values.get("benchmark"),
            account_id=values.get("account_id"),
        )
        return Response({"account_id": None, "symbol": None, **performance_row(found)})


@extend_schema_view(get=extend_schema(operation_id="household_me_performance"))
class MyHouseholdPerformanceView(HouseholdPerformanceView):
    """The same under the address of the household's other figures."""


def performance_row(found: Answer) -> dict[str, object]:
    """The answer in the words of the API, but for whose it is."""
    home = found.currency
    return {
        "currency": home,
        "from": found.from_date.isoformat(),
        "to": found.to_date.isoformat(),
        "measured_from": found.measured_from.isoformat(),
        "days": found.days,
        **{
            name: money_text(value, home) if name in MONEY_FIGURES else plain_text(value)
            for name, value in found.figures.items()
        },
        "drawdown": _drawdown_row(found.drawdown) if found.drawdown else None,
        "risk_free_series": found.risk_free_series,
        "benchmark": found.benchmark,
        "reconciliation": _bridge_row(found.reconciliation, home) if found.reconciliation else None,
        "months": [
            {
                "year": one.year,
                "months": [plain_text(value) for value in one.months],
                "year_return": plain_text(one.year_return),
            }
            for one in found.years
        ],
        "contributions": [_contribution_row(one, home) for one in found.contributions],
        "series": _series_rows(found.series, home),
        "series_interval_days": found.series.every,
        "reasons": {
            name: {"code": reason.code, "detail": reason.detail}
            for name, reason in found.reasons.items()
        },
        "warnings": [
            {"code": one.code, "symbol": one.symbol, "detail": one.detail} for one in found.warnings
        ],
        "estimates": [
            {
                "symbol": one.symbol,
                "from_date": one.from_date.isoformat(),
                "to_date": one.to_date.isoformat(),
                "days": one.days,
            }
            for one in found.estimates
        ],
    }


def _drawdown_row(fall: Fall) -> dict[str, object]:
    return {
        "depth": plain_text(fall.depth),
        "peak_date": fall.peak_date.isoformat(),
        "trough_date": fall.trough_date.isoformat(),
        "recovery_date": fall.recovery_date.isoformat() if fall.recovery_date else None,
        "length_days": fall.length_days,
    }


_BRIDGE = tuple(field.name for field in fields(Bridge))
_CONTRIBUTION_MONEY = ("gain", "price_gain", "income", "fees", "taxes", "currency_effect")


def _bridge_row(bridge: Bridge, currency: str) -> dict[str, object]:
    return {name: money_text(getattr(bridge, name), currency) for name in _BRIDGE}


def _contribution_row(one: Contribution, currency: str) -> dict[str, object]:
    money = {name: money_text(getattr(one, name), currency) for name in _CONTRIBUTION_MONEY}
    share = plain_text(one.contribution)
    return {"symbol": one.symbol, "name": one.name, **money, "contribution": share}


def _series_rows(series: Columns, currency: str) -> list[dict[str, object]]:
    """Rows of thousands of days: floats straight into text, without a Decimal each."""
    places = max(0, -int(minor_unit(currency).as_tuple().exponent))
    benchmark = series.benchmark_index or (None,) * len(series.days)
    columns = zip(
        series.days, series.values, series.net_transfers, series.index, benchmark, strict=True
    )
    return [
        {
            "date": day.isoformat(),
            "value": None if value is None else _fixed(value, places),
            "net_transfers": _fixed(net, places),
            "index": None if grown is None else f"{grown:.10f}",
            "benchmark_index": None if beside is None else f"{beside:.10f}",
        }
        for day, value, net, grown, beside in columns
    ]


def _fixed(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


urlpatterns = [
    path("portfolios/performance", HouseholdPerformanceView.as_view()),
    path("households/me/performance", MyHouseholdPerformanceView.as_view()),
    path("portfolios/<uuid:account_id>/performance", PerformanceView.as_view()),
]
