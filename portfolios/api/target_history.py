"""Every set and version of targets an account ever followed, over HTTP."""

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from edge.pagination import Pages
from edge.schema import page_of, page_parameters
from identity.authentication import caller
from portfolios.models import TargetSetScope
from portfolios.queries import target_history
from transactions import queries as ledger


class PastWeightRead(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    target_percentage = serializers.CharField()
    rebalance_threshold = serializers.CharField()
    threshold_kind = serializers.CharField()


class PastTargetsRead(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    scope = serializers.ChoiceField(choices=TargetSetScope.choices)
    set_name = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()
    weights = PastWeightRead(many=True)


class TargetHistoryView(APIView):
    @extend_schema(
        operation_id="targets_history",
        responses=page_of(PastTargetsRead),
        parameters=page_parameters(),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the targets the account has and had, newest first. None is ever deleted."""
        account = ledger.account(user=caller(request), public_id=account_id)
        return Pages().answer(request, target_history(account_pk=account.pk), row=past_row)


def past_row(event: Any) -> dict[str, object]:
    """Return what an account followed from a moment on, in the words of the API."""
    version = event.version
    return {
        "since": instant_text(event.since),
        "scope": version.target_set.scope,
        "set_name": version.target_set.name,
        "version": version.number,
        "weights": [
            {
                "symbol": row.get("asset_class") or row["symbol"],
                "target_percentage": row["target_percentage"],
                "rebalance_threshold": row["rebalance_threshold"],
                "threshold_kind": row["threshold_kind"],
            }
            for row in version.weights
        ],
    }


urlpatterns = [
    path("portfolios/<uuid:account_id>/targets/history", TargetHistoryView.as_view()),
]
