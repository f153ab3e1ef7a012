"""What a strategy would change in one's accounts, and taking it over, over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge.pagination import Pages
from edge.schema import page_of, page_parameters
from edge.serializers import MoneyField, StrictSerializer
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once, requested_row
from jobs.operations import Answer
from recommendations.api.rebalancing import JobAccepted
from recommendations.api.strategies import WeightChangeRead, change_row
from recommendations.models import Strategy
from recommendations.operations import strategies as operations
from recommendations.queries import strategies as queries
from recommendations.queries.strategy_accounts import (
    AccountChange,
    accounts_following,
    changes_in,
)
from transactions.models import Account
from transactions.queries import account as ledger_account


class StrategyAccountRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    account_name = serializers.CharField()
    followed_version = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    changes = WeightChangeRead(many=True)
    refusal = serializers.CharField(allow_null=True)


class CloneWrite(StrictSerializer):
    account_id = serializers.UUIDField()
    gain_budget = MoneyField(
        required=False,
        help_text="Gains a calendar year that the transition may realize; it becomes a rule of "
        "the account, in its currency.",
    )


class StrategyAccountsView(APIView):
    @extend_schema(
        operation_id="strategies_accounts",
        responses=page_of(StrategyAccountRead),
        parameters=[
            OpenApiParameter(
                "account_id", UUID, description="Only this account, following or not."
            ),
            *page_parameters(),
        ],
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        """Return what the version in force would change in your accounts. Nothing is written."""
        user = caller(request)
        row = queries.visible_strategy(user=user, public_id=strategy_id)
        stated = request.query_params.get("account_id")
        accounts: Any = accounts_following(user=user, strategy=row)
        if stated:
            public_id = serializers.UUIDField().run_validation(stated)
            accounts = [ledger_account(user=user, public_id=public_id)]
        as_of = timezone.now().date()
        return Pages().answer(
            request,
            accounts,
            rows=lambda page: [
                account_row(one, row)
                for one in changes_in(strategy=row, accounts=page, as_of=as_of)
            ],
        )


class CloneView(APIView):
    @extend_schema(
        operation_id="strategies_clone",
        request=CloneWrite,
        responses={202: JobAccepted},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        """Make the version in force the targets of an account; the job plans the transition."""
        user, now = caller(request), timezone.now()
        row = queries.visible_strategy(user=user, public_id=strategy_id)
        data = CloneWrite.parsed(request)

        def access() -> Account:
            return ledger_account(user=user, public_id=data["account_id"])

        def effect(account: Account) -> Answer:
            job = operations.clone(
                strategy=row,
                account=account,
                user=user,
                gain_budget=data.get("gain_budget"),
                now=now,
            )
            return 202, requested_row(job)

        return answered_once(request, now=now, access=access, effect=effect)


def account_row(found: AccountChange, strategy: Strategy) -> dict[str, Any]:
    """Return what a strategy would change in an account, in the words of the API."""
    version = strategy.current_version
    return {
        "account_id": str(found.account.public_id),
        "account_name": found.account.name,
        "followed_version": found.followed_number,
        "version": version.number if version else None,
        "changes": [change_row(one) for one in found.changes],
        "refusal": found.refusal.code if found.refusal else None,
    }


urlpatterns = [
    path("strategies/<uuid:strategy_id>/accounts", StrategyAccountsView.as_view()),
    path("strategies/<uuid:strategy_id>/clone", CloneView.as_view()),
]
