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

from core.dates import instant_text
from edge.serializers import MoneyField, StrictSerializer
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.models import JobStatus
from jobs.operations import Answer
from recommendations import operations
from recommendations.engine.options import ESTIMATED_PRICES, Options
from transactions.models import Account
from transactions.queries import account as ledger_account


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


class JobAccepted(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    estimated_completion = serializers.DateTimeField()


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
                options=Options(**data),
                user=caller(request),
                now=now,
            )
            return 202, {
                "job_id": str(job.public_id),
                "status": job.status,
                "estimated_completion": instant_text(job.estimated_completion),
            }

        return answered_once(request, now=now, access=access, effect=effect)


urlpatterns = [path("portfolios/<uuid:account_id>/rebalance", RebalanceView.as_view())]
