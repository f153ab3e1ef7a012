"""Rebalances over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.money import plain
from core.money_text import money_text
from edge.pagination import page_answer, page_request
from edge.schema import page_of, page_parameters
from edge.serializers import FractionField, MoneyField, StrictSerializer, SymbolField
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once, requested_row
from jobs.models import JobStatus
from jobs.operations import Answer
from portfolios.holdings.policies import CASH_POLICIES, HOLDING_DAYS_MAX, SYMBOLS_LEFT_OUT_MAX
from portfolios.queries import policy
from recommendations import operations, queries
from recommendations.drift_points import DriftPoint
from recommendations.engine.options import ESTIMATED_PRICES, Options, under
from transactions.models import Account
from transactions.queries import account as ledger_account
from transactions.queries import account_with_owner


class DriftField(FractionField):
    """A share of the account with the decimals in which drift is stated."""

    decimals = 6


class RebalanceWrite(StrictSerializer):
    minimum_trade = MoneyField(required=False, help_text="Smallest value of a trade.")
    cash_floor = MoneyField(
        required=False,
        help_text="Cash that must remain after the trades, for example for a withdrawal.",
    )
    brokerage_fee = MoneyField(required=False, help_text="Fixed fee of the broker for each order.")
    whole_shares = serializers.BooleanField(required=False)
    loss_harvesting = serializers.BooleanField(required=False)
    estimated_prices = serializers.ChoiceField(
        choices=ESTIMATED_PRICES,
        required=False,
        help_text="Holdings priced at your own last trade: `hold` (default) counts but never "
        "trades them, `leave_out` ignores them and their targets, `trade` trades them, and every "
        "such trade has the caution `price_estimated`.",
    )
    cash_policy = serializers.ChoiceField(
        choices=CASH_POLICIES,
        required=False,
        help_text="`full` (default) buys and sells, `invest_only` sells nothing.",
    )
    minimum_holding_days = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=HOLDING_DAYS_MAX,
        help_text="Lots bought fewer days ago are not sold; default 0.",
    )
    turnover_budget = MoneyField(
        required=False,
        help_text="Most that purchases and sales of the calendar year may sum up to; those already "
        "recorded count.",
    )
    gain_budget = MoneyField(
        required=False,
        help_text="Most gain of the calendar year, net of what is already realized. Losses among "
        "the recommended sales make no room for more gains.",
    )
    leave_out = serializers.ListField(
        child=SymbolField(),
        required=False,
        max_length=SYMBOLS_LEFT_OUT_MAX,
        help_text="Symbols whose value and target do not count; the other targets are scaled.",
    )
    drift_limit = DriftField(
        required=False,
        help_text="Part of the account that may stay out of place, a fraction. It replaces the "
        "bands: tax and cost are the least with which the drift gets so small.",
    )


class JobAccepted(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    estimated_completion = serializers.DateTimeField()


class CurvePointRead(serializers.Serializer[Any]):
    drift = serializers.CharField(help_text="Part of the account out of place, a fraction.")
    tax = serializers.CharField(help_text="Estimated tax; negative if losses save more.")
    cost = serializers.CharField(help_text="Spread and fees.")
    trades = serializers.IntegerField(help_text="Number of trades.")


def _options(account: Account, data: dict[str, Any]) -> Options:
    """Return what the request says, else what the account's stored rules say."""
    if "leave_out" in data:
        data = {**data, "leave_out": tuple(sorted({*data["leave_out"]}))}
    return under(policy(account_pk=account.pk), data)


class RebalanceView(APIView):
    @extend_schema(
        operation_id="portfolio_rebalance",
        request=RebalanceWrite,
        responses={202: JobAccepted},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Request a rebalance. The job returns the trades; the stream announces its end."""
        data = RebalanceWrite.parsed(request)
        now = timezone.now()

        def access() -> Account:
            return ledger_account(user=caller(request), public_id=account_id)

        def effect(account: Account) -> Answer:
            job = operations.request_rebalance(
                account=account,
                options=_options(account, data),
                user=caller(request),
                now=now,
            )
            return 202, requested_row(job)

        return answered_once(request, now=now, access=access, effect=effect)


class RebalanceCurveView(APIView):
    @extend_schema(
        operation_id="portfolio_rebalance_curve",
        responses=page_of(CurvePointRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the least tax and cost of each drift, from the smallest to that without trades.

        Request a rebalance with the `drift` of a point as `drift_limit` to get its trades.
        """
        account = account_with_owner(user=caller(request), public_id=account_id)
        page = page_request(request.query_params)
        options = _options(account, {})
        found = queries.account_drift_curve(account=account, options=options, now=timezone.now())
        rows = [curve_row(point, found.currency) for point in found.points]
        shown = rows[page.offset : page.offset + page.size]
        return Response(page_answer(data=shown, total=len(rows), page=page))


def curve_row(point: DriftPoint, currency: str) -> dict[str, object]:
    """Return a point of the curve as the API shows it."""
    return {
        "drift": plain(point.drift),
        "tax": money_text(point.tax, currency),
        "cost": money_text(point.cost, currency),
        "trades": point.trades,
    }


urlpatterns = [
    path("portfolios/<uuid:account_id>/rebalance", RebalanceView.as_view()),
    path("portfolios/<uuid:account_id>/rebalance-curve", RebalanceCurveView.as_view()),
]
