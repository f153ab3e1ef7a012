"""Log-ins, the second factor, and the proof that one is still oneself."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge import rate_limits
from edge.pagination import Pages
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from identity import queries
from identity.api.handling import count, ensure_recent_proof, family, given
from identity.api.serializers import PASSWORD_LENGTH_MAX
from identity.authentication import caller, prove, prove_by_passkey
from identity.middleware import origin_of, renew_session_proof
from identity.operations import log_ins, second_factor
from identity.socket_rights import SESSION_PREFIX
from identity.token_signing import Access

CODE_LENGTH_MAX = 24
KINDS = [("browser", "browser"), ("token", "token")]


class LogInSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="name")
    kind = serializers.ChoiceField(choices=KINDS)
    device = serializers.CharField()
    address = serializers.CharField()
    created_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(source="expires")
    current = serializers.BooleanField()


class OneTimeCodeSerializer(StrictSerializer):
    code = serializers.CharField(max_length=CODE_LENGTH_MAX, write_only=True)


class ProofSerializer(StrictSerializer):
    password = serializers.CharField(
        max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False, write_only=True, required=False
    )
    otp = serializers.CharField(max_length=CODE_LENGTH_MAX, write_only=True, required=False)
    ceremony = serializers.CharField(max_length=64, write_only=True, required=False)
    credential = serializers.DictField(write_only=True, required=False)


class TotpSetupSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField()
    address = serializers.CharField()


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(child=serializers.CharField())


class SecondFactorSerializer(serializers.Serializer[Any]):
    totp = serializers.BooleanField()
    passkeys = serializers.IntegerField()
    recovery_codes_left = serializers.IntegerField()


class LogInsView(APIView):
    @extend_schema(
        operation_id="log_ins",
        tags=["auth"],
        parameters=page_parameters(),
        responses={200: page_of(LogInSerializer)},
    )
    def get(self, request: Request) -> Response:
        """List the browsers and programs in which the user is logged in, the last used first."""
        pages = Pages()
        rows = log_ins.open_log_ins(user=caller(request), now=datetime.now(UTC))
        found = pages.paginate_queryset(rows, request)
        current = family(request).removeprefix(SESSION_PREFIX).replace("-", "")
        for row in found or ():
            row["current"] = UUID(row["name"]).hex == current
        return pages.get_paginated_response(LogInSerializer(found, many=True).data)


class LogInView(APIView):
    @extend_schema(operation_id="end_log_in", tags=["auth"], responses={204: None})
    def delete(self, request: Request, log_in_id: UUID) -> Response:
        """End one log-in at once, with its sockets."""
        log_ins.end_log_in(
            user=caller(request),
            log_in_id=log_in_id,
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProofView(APIView):
    @extend_schema(
        operation_id="prove", tags=["auth"], request=ProofSerializer, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """Prove again who one is, for 15 minutes: a passkey, a code, or the password.

        A user with a second factor sends `otp`, or `ceremony` and `credential` of a passkey (its
        options are those of the log-in); the others send `password`.
        """
        proof = given(ProofSerializer, request)
        count(rate_limits.PROOF, request)
        user = queries.profile(user_id=caller(request).pk)
        if "credential" in proof:
            prove_by_passkey(
                user=user,
                ceremony=proof.get("ceremony", ""),
                credential=proof["credential"],
                request=request._request,
            )
        else:
            prove(
                user=user,
                password=proof.get("password"),
                otp=proof.get("otp"),
                request=request._request,
            )
        if isinstance(request.auth, Access):
            log_ins.renew_token_proof(family_id=request.auth.family_id, now=datetime.now(UTC))
        else:
            renew_session_proof(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SecondFactorView(APIView):
    @extend_schema(
        operation_id="second_factor", tags=["auth"], responses={200: SecondFactorSerializer}
    )
    def get(self, request: Request) -> Response:
        """Return which second factors the user has."""
        return Response(SecondFactorSerializer(queries.second_factor(user=caller(request))).data)


class TotpView(APIView):
    @extend_schema(
        operation_id="begin_totp",
        tags=["auth"],
        request=None,
        responses={201: TotpSetupSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin to set up an authenticator app. Its secret is returned only once."""
        ensure_recent_proof(request)
        user = queries.profile(user_id=caller(request).pk)
        setup = second_factor.begin(user=user, now=datetime.now(UTC))
        return Response(TotpSetupSerializer(setup).data, status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="remove_totp", tags=["auth"], responses={204: None})
    def delete(self, request: Request) -> Response:
        """Remove the authenticator app. Needs a recent proof."""
        ensure_recent_proof(request)
        second_factor.remove(
            user=queries.profile(user_id=caller(request).pk),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class TotpConfirmView(APIView):
    @extend_schema(
        operation_id="confirm_totp",
        tags=["auth"],
        request=OneTimeCodeSerializer,
        responses={200: RecoveryCodesSerializer},
    )
    def post(self, request: Request) -> Response:
        """Confirm the app with its first code; return the recovery codes, only once."""
        code = given(OneTimeCodeSerializer, request)["code"]
        ensure_recent_proof(request)
        count(rate_limits.SECOND_FACTOR, request)
        codes = second_factor.confirm(
            user=queries.profile(user_id=caller(request).pk),
            code=code,
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response({"recovery_codes": codes})


class RecoveryCodesView(APIView):
    @extend_schema(
        operation_id="new_recovery_codes",
        tags=["auth"],
        request=None,
        responses={201: RecoveryCodesSerializer},
    )
    def post(self, request: Request) -> Response:
        """Replace the recovery codes. Needs a recent proof; the new codes are returned once."""
        ensure_recent_proof(request)
        codes = second_factor.new_recovery_codes(
            user=queries.profile(user_id=caller(request).pk),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response({"recovery_codes": codes}, status=status.HTTP_201_CREATED)


urlpatterns = [
    path("auth/sessions", LogInsView.as_view()),
    path("auth/sessions/<uuid:log_in_id>", LogInView.as_view()),
    path("auth/proof", ProofView.as_view()),
    path("auth/mfa", SecondFactorView.as_view()),
    path("auth/mfa/totp", TotpView.as_view()),
    path("auth/mfa/totp/confirm", TotpConfirmView.as_view()),
    path("auth/mfa/recovery-codes", RecoveryCodesView.as_view()),
]
