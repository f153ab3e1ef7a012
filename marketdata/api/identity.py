"""Substantially identical assets over HTTP: read and decided."""

from functools import partial
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import (
    NOTE_LENGTH_MAX,
)
from edge.pagination import Pages
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer, SymbolField
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from marketdata import queries
from marketdata.models import Asset, IdentityDecision
from marketdata.operations import decide_own_identity


class IdentityWrite(StrictSerializer):
    substantially_identical_to = SymbolField(allow_null=True)
    reason = serializers.CharField(
        max_length=NOTE_LENGTH_MAX, required=False, allow_blank=True, default=""
    )


class IdentityRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    substantially_identical_to = serializers.CharField(allow_null=True)
    previously = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Time at which every affected ledger was rebooked; null until then.",
    )


class IdentityView(APIView):
    @extend_schema(
        operation_id="asset_identity_list",
        responses=page_of(IdentityRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, symbol: str) -> Response:
        """List the decisions on an asset's substantial identity: by whom, when and why."""
        asset = queries.asset(user=caller(request), symbol=symbol.upper())
        return Pages().answer(
            request, queries.identity_decisions(asset=asset), row=partial(identity_row, asset)
        )

    @extend_schema(
        operation_id="asset_identity_decide",
        request=IdentityWrite,
        responses={201: IdentityRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, symbol: str) -> Response:
        """Decide for an own asset; past wash sales are rebooked within a minute."""
        asset = queries.asset(user=caller(request), symbol=symbol.upper())
        data = IdentityWrite.parsed(request)
        now = timezone.now()

        def effect(asset: Asset) -> Answer:
            decision = decide_own_identity(
                user=caller(request),
                symbol=symbol.upper(),
                identical_to=data["substantially_identical_to"],
                now=now,
                reason=data["reason"],
            )
            return 201, identity_row(decision.asset, decision)

        return answered_once(request, now=now, access=lambda: asset, effect=effect)


def identity_row(asset: Asset, decision: IdentityDecision) -> dict[str, object]:
    """Render a decision. Investors do not see the names of operators."""
    by = decision.decided_by
    return {
        "symbol": asset.symbol,
        "substantially_identical_to": (
            decision.identical_to.symbol if decision.identical_to else None
        ),
        "previously": decision.previously.symbol if decision.previously else None,
        "reason": decision.reason,
        "decided_by": by.email if asset.household_id is not None else "operator",
        "decided_at": instant_text(decision.decided_at),
        "applied_at": instant_text(decision.applied_at) if decision.applied_at else None,
    }


urlpatterns = [path("market/assets/<str:symbol>/identity", IdentityView.as_view())]
