"""The rules that every rebalance of an account obeys, over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.money import plain
from core.money_text import plain_text
from edge.serializers import MoneyField, StrictSerializer, SymbolField
from identity.authentication import caller
from portfolios import operations, queries
from portfolios.holdings.policies import (
    CASH_POLICIES,
    HOLDING_DAYS_MAX,
    SYMBOLS_LEFT_OUT_MAX,
    Policy,
)
from transactions import queries as ledger


class RebalancePolicyRow(StrictSerializer):
    cash_policy = serializers.ChoiceField(
        choices=CASH_POLICIES,
        required=False,
        help_text="`full` (default) buys and sells, `invest_only` sells nothing.",
    )
    cash_floor = MoneyField(required=False, help_text="Cash that must remain; default 0.")
    minimum_holding_days = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=HOLDING_DAYS_MAX,
        help_text="Lots bought fewer days ago are not sold; default 0.",
    )
    turnover_budget = MoneyField(
        required=False,
        allow_null=True,
        help_text="Most that purchases and sales of a calendar year may sum up to.",
    )
    gain_budget = MoneyField(
        required=False, allow_null=True, help_text="Most net gain of a calendar year."
    )
    leave_out = serializers.ListField(
        child=SymbolField(),
        required=False,
        max_length=SYMBOLS_LEFT_OUT_MAX,
        help_text="Symbols whose value and target do not count.",
    )


class RebalancePolicyView(APIView):
    @extend_schema(operation_id="rebalance_policy", responses=RebalancePolicyRow)
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the rules that every rebalance of the account obeys."""
        account = ledger.account(user=caller(request), public_id=account_id)
        return Response(policy_row(queries.policy(account_pk=account.pk)))

    @extend_schema(
        operation_id="rebalance_policy_replace",
        request=RebalancePolicyRow,
        responses=RebalancePolicyRow,
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        """Replace the rules; a field that is not sent gets its default."""
        account = ledger.account(user=caller(request), public_id=account_id)
        data: dict[str, Any] = RebalancePolicyRow.parsed(request)
        data["leave_out"] = tuple(sorted({*data.get("leave_out", ())}))
        operations.set_policy(account=account, policy=Policy(**data))
        return self.get(request, account_id)


def policy_row(policy: Policy) -> dict[str, object]:
    """Return the rules as the API shows them."""
    return {
        "cash_policy": policy.cash_policy,
        "cash_floor": plain(policy.cash_floor),
        "minimum_holding_days": policy.minimum_holding_days,
        "turnover_budget": plain_text(policy.turnover_budget),
        "gain_budget": plain_text(policy.gain_budget),
        "leave_out": list(policy.leave_out),
    }


urlpatterns = [
    path("portfolios/<uuid:account_id>/rebalance-policy", RebalancePolicyView.as_view()),
]
