"""Stored recommendations over HTTP."""

import hashlib
import json
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from identity.authentication import caller, is_limited
from recommendations import operations, queries
from recommendations.models import Recommendation, RecommendationStatus
from transactions.orders.states import Progress


class RecommendationRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    job_id = serializers.UUIDField(allow_null=True)
    kind = serializers.CharField()
    status = serializers.ChoiceField(choices=RecommendationStatus.choices)
    progress = serializers.ChoiceField(
        choices=[one.value for one in Progress],
        allow_null=True,
        help_text="How far the trades of an approved recommendation are; null of any other.",
    )
    engine_version = serializers.CharField()
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class RecommendationDetail(RecommendationRead):
    result = serializers.JSONField()
    inputs = serializers.JSONField(
        allow_null=True, help_text="Null for an API key limited to accounts."
    )
    result_sha256 = serializers.CharField()


class ReplayRead(serializers.Serializer[Any]):
    identical = serializers.BooleanField()
    engine_version = serializers.CharField()
    result_sha256 = serializers.CharField()
    replayed_sha256 = serializers.CharField()


def recommendation_row(row: Recommendation) -> dict[str, object]:
    """Return a recommendation without its inputs and trades."""
    return {
        "id": str(row.public_id),
        "account_id": str(row.account.public_id),
        "job_id": str(row.job.public_id) if row.job else None,
        "kind": row.kind,
        "status": row.status,
        "progress": queries.progress(row),
        "engine_version": row.engine_version,
        "created_at": instant_text(row.created_at),
        "decided_at": instant_text(row.decided_at) if row.decided_at else None,
    }


class RecommendationsView(APIView):
    @extend_schema(
        operation_id="recommendations_list",
        responses=page_of(RecommendationRead, keyset=True),
        parameters=[OpenApiParameter("account_id", UUID), *page_parameters(keyset=True)],
    )
    def get(self, request: Request) -> Response:
        """List recommendations, newest first."""
        account_id = request.query_params.get("account_id")
        rows = queries.recommendations(
            user=caller(request),
            account_id=serializers.UUIDField().run_validation(account_id) if account_id else None,
        )
        return Keyset(sort_key="created_at").answer(
            request, rows.defer("inputs", "result"), row=recommendation_row
        )


class RecommendationView(APIView):
    @extend_schema(operation_id="recommendations_retrieve", responses=RecommendationDetail)
    def get(self, request: Request, recommendation_id: UUID) -> Response:
        """Return a recommendation with its trades and the inputs it was computed from."""
        row = queries.recommendation(user=caller(request), public_id=recommendation_id)
        texts = queries.texts(row)
        return Response(
            {
                **recommendation_row(row),
                "result": json.loads(texts.result),
                # They are of the whole household: its recent purchases, the owner's return.
                "inputs": None if is_limited(request) else json.loads(texts.inputs),
                "result_sha256": _sha256(texts.result),
            }
        )


class ReplayView(APIView):
    @extend_schema(operation_id="recommendations_replay", request=None, responses=ReplayRead)
    def post(self, request: Request, recommendation_id: UUID) -> Response:
        """Compute a recommendation again from its stored inputs and compare the bytes."""
        row = queries.recommendation(user=caller(request), public_id=recommendation_id)
        text, stored = operations.replayed(recommendation=row), queries.texts(row).result
        return Response(
            {
                "identical": text == stored,
                "engine_version": row.engine_version,
                "result_sha256": _sha256(stored),
                "replayed_sha256": _sha256(text),
            }
        )


class ApproveView(APIView):
    @extend_schema(
        operation_id="recommendations_approve", request=None, responses=RecommendationRead
    )
    def post(self, request: Request, recommendation_id: UUID) -> Response:
        """Approve a proposed recommendation, once."""
        return _decided(request, recommendation_id, RecommendationStatus.APPROVED)


class RejectView(APIView):
    @extend_schema(
        operation_id="recommendations_reject", request=None, responses=RecommendationRead
    )
    def post(self, request: Request, recommendation_id: UUID) -> Response:
        """Reject a proposed recommendation, once."""
        return _decided(request, recommendation_id, RecommendationStatus.REJECTED)


def _decided(request: Request, recommendation_id: UUID, status: str) -> Response:
    row = queries.recommendation(user=caller(request), public_id=recommendation_id)
    operations.decide(recommendation=row, status=status, user=caller(request), now=timezone.now())
    return Response(recommendation_row(row))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


urlpatterns = [
    path("recommendations", RecommendationsView.as_view()),
    path("recommendations/<uuid:recommendation_id>", RecommendationView.as_view()),
    path("recommendations/<uuid:recommendation_id>/replay", ReplayView.as_view()),
    path("recommendations/<uuid:recommendation_id>/approve", ApproveView.as_view()),
    path("recommendations/<uuid:recommendation_id>/reject", RejectView.as_view()),
]
