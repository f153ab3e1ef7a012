"""API keys of the user."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import API_KEY_ACCOUNTS_MAX, NAME_LENGTH_MAX
from edge import rate_limits
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from identity import queries
from identity.api.handling import count, ensure_recent_proof, given, page
from identity.authentication import caller
from identity.key_rules import SCOPES
from identity.middleware import origin_of
from identity.operations import api_keys

SCOPE_CHOICES = [(scope, scope) for scope in SCOPES]


class NewKeySerializer(StrictSerializer):
    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPE_CHOICES), min_length=1, max_length=len(SCOPES)
    )
    account_ids = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=API_KEY_ACCOUNTS_MAX,
        required=False,
        allow_null=True,
        default=None,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class ApiKeySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPE_CHOICES))
    account_ids = serializers.ListField(child=serializers.UUIDField(), allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_address = serializers.CharField()


class MadeKeySerializer(ApiKeySerializer):
    key = serializers.CharField()


class ApiKeysView(APIView):
    @extend_schema(
        operation_id="api_keys",
        tags=["auth"],
        parameters=page_parameters(),
        responses={200: page_of(ApiKeySerializer)},
    )
    def get(self, request: Request) -> Response:
        """List the user's keys that were not revoked, the newest first."""
        return page(queries.api_keys(user=caller(request)), request, ApiKeySerializer)

    @extend_schema(
        operation_id="make_api_key",
        tags=["auth"],
        request=NewKeySerializer,
        responses={201: MadeKeySerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a key. Needs a recent proof. Its text is returned only once.

        Takes no Idempotency-Key: to repeat the answer, the key's text would have to be stored.
        """
        body = given(NewKeySerializer, request)
        ensure_recent_proof(request)
        count(rate_limits.MAKE_KEY, request)
        key, text = api_keys.make_key(
            user=queries.profile(user_id=caller(request).pk),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
            **body,
        )
        answer = {**ApiKeySerializer(key).data, "key": text}
        return Response(answer, status=status.HTTP_201_CREATED)


class ApiKeyView(APIView):
    @extend_schema(operation_id="revoke_api_key", tags=["auth"], responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revoke a key at once."""
        api_keys.revoke_key(
            user=queries.profile(user_id=caller(request).pk),
            key_id=key_id,
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("auth/api-keys", ApiKeysView.as_view()),
    path("auth/api-keys/<uuid:key_id>", ApiKeyView.as_view()),
]
