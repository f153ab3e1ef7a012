"""Passkeys of the user, and the log-in with one."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import NAME_LENGTH_MAX
from edge import rate_limits
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from identity import queries
from identity.api.handling import PublicView, count, ensure_recent_proof, given, page
from identity.api.serializers import TokenPairSerializer
from identity.authentication import caller, note_new_log_in, token_key
from identity.middleware import origin_of, site_of
from identity.operations import passkeys, refresh_tokens

CEREMONY_LENGTH_MAX = 64


class CeremonySerializer(serializers.Serializer[Any]):
    ceremony = serializers.CharField(source="token")
    options = serializers.DictField()


class NewPasskeySerializer(StrictSerializer):
    ceremony = serializers.CharField(max_length=CEREMONY_LENGTH_MAX, write_only=True)
    credential = serializers.DictField(write_only=True)
    name = serializers.CharField(max_length=NAME_LENGTH_MAX)


class PasskeyLogInSerializer(StrictSerializer):
    ceremony = serializers.CharField(max_length=CEREMONY_LENGTH_MAX, write_only=True)
    credential = serializers.DictField(write_only=True)


class PasskeySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    backed_up = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class AddedPasskeySerializer(PasskeySerializer):
    recovery_codes = serializers.ListField(child=serializers.CharField())


class PasskeysView(APIView):
    @extend_schema(
        operation_id="passkeys",
        tags=["auth"],
        parameters=page_parameters(),
        responses={200: page_of(PasskeySerializer)},
    )
    def get(self, request: Request) -> Response:
        """List the user's passkeys, the newest first."""
        return page(queries.passkeys(user=caller(request)), request, PasskeySerializer)

    @extend_schema(
        operation_id="add_passkey",
        tags=["auth"],
        request=NewPasskeySerializer,
        responses={201: AddedPasskeySerializer},
    )
    def post(self, request: Request) -> Response:
        """Add a passkey: the browser's answer to the options. Needs a recent proof."""
        body = given(NewPasskeySerializer, request)
        ensure_recent_proof(request)
        passkey, codes = passkeys.add(
            user=queries.profile(user_id=caller(request).pk),
            site=site_of(request._request),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
            **body,
        )
        answer = {**PasskeySerializer(passkey).data, "recovery_codes": codes}
        return Response(answer, status=status.HTTP_201_CREATED)


class PasskeyOptionsView(APIView):
    @extend_schema(
        operation_id="begin_passkey",
        tags=["auth"],
        request=None,
        responses={201: CeremonySerializer},
    )
    def post(self, request: Request) -> Response:
        """Return the options for a new passkey, valid for five minutes. Needs a recent proof."""
        ensure_recent_proof(request)
        count(rate_limits.PASSKEY, request)
        ceremony = passkeys.begin_adding(
            user=queries.profile(user_id=caller(request).pk), site=site_of(request._request)
        )
        return Response(CeremonySerializer(ceremony).data, status=status.HTTP_201_CREATED)


class PasskeyView(APIView):
    @extend_schema(operation_id="remove_passkey", tags=["auth"], responses={204: None})
    def delete(self, request: Request, passkey_id: UUID) -> Response:
        """Remove a passkey. Needs a recent proof."""
        user = queries.profile(user_id=caller(request).pk)
        queries.passkey(user=user, public_id=passkey_id)
        ensure_recent_proof(request)
        passkeys.remove(
            user=user,
            passkey_id=passkey_id,
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasskeyLogInOptionsView(PublicView):
    @extend_schema(
        operation_id="begin_passkey_log_in",
        tags=["auth"],
        request=None,
        responses={201: CeremonySerializer},
    )
    def post(self, request: Request) -> Response:
        """Return the options for a log-in with a passkey, valid for five minutes."""
        rate_limits.consume(rate_limits.PASSKEY, request=request._request)
        ceremony = passkeys.begin_log_in(site=site_of(request._request))
        return Response(CeremonySerializer(ceremony).data, status=status.HTTP_201_CREATED)


class PasskeyLogInView(PublicView):
    @extend_schema(
        operation_id="log_in_with_passkey",
        tags=["auth"],
        request=PasskeyLogInSerializer,
        responses={200: TokenPairSerializer},
    )
    def post(self, request: Request) -> Response:
        """Log in with a passkey; return an access and a refresh token."""
        body = given(PasskeyLogInSerializer, request)
        rate_limits.consume(rate_limits.PASSKEY, request=request._request)
        now = datetime.now(UTC)
        user = passkeys.verified(site=site_of(request._request), now=now, **body)
        note_new_log_in(user=user, request=request._request, by="passkey")
        pair = refresh_tokens.start(
            user=user, key=token_key(), now=now, origin=origin_of(request._request)
        )
        return Response(asdict(pair))


urlpatterns = [
    path("auth/passkeys", PasskeysView.as_view()),
    path("auth/passkeys/options", PasskeyOptionsView.as_view()),
    path("auth/passkeys/log-in", PasskeyLogInView.as_view()),
    path("auth/passkeys/log-in/options", PasskeyLogInOptionsView.as_view()),
    path("auth/passkeys/<uuid:passkey_id>", PasskeyView.as_view()),
]
