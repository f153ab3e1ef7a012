"""A forgotten password, and the proof of an e-mail address."""

from datetime import UTC, datetime
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge import rate_limits
from edge.serializers import EmailField, StrictSerializer
from identity import queries
from identity.api.handling import PublicView, count, given
from identity.api.serializers import PASSWORD_LENGTH_MAX, RegisteredSerializer
from identity.authentication import caller
from identity.middleware import origin_of
from identity.operations import email_addresses, recovery

_TOKEN_LENGTH_MAX = 200


class ResetRequestSerializer(StrictSerializer):
    email = EmailField()


class ResetSerializer(StrictSerializer):
    token = serializers.CharField(max_length=_TOKEN_LENGTH_MAX, write_only=True)
    new_password = serializers.CharField(
        max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False, write_only=True
    )


class LinkSerializer(StrictSerializer):
    token = serializers.CharField(max_length=_TOKEN_LENGTH_MAX, write_only=True)


class VerifiedSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()


class ResetRequestView(PublicView):
    @extend_schema(
        operation_id="ask_for_password_reset",
        tags=["auth"],
        request=ResetRequestSerializer,
        responses={202: RegisteredSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask for a mail with a link to set a new password.

        The answer, and the time it takes, is the same for an address that nobody registered.
        """
        email = given(ResetRequestSerializer, request)["email"]
        rate_limits.consume(rate_limits.RESET, request=request._request, subject=email)
        recovery.ask_for_reset(
            email=email, now=datetime.now(UTC), origin=origin_of(request._request)
        )
        return Response({"email": email}, status=status.HTTP_202_ACCEPTED)


class ResetView(PublicView):
    @extend_schema(
        operation_id="reset_password", tags=["auth"], request=ResetSerializer, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the token of the mail. Every log-in of the user ends."""
        body = given(ResetSerializer, request)
        rate_limits.consume(rate_limits.LINK, request=request._request)
        recovery.reset_password(**body, now=datetime.now(UTC), origin=origin_of(request._request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerificationView(APIView):
    @extend_schema(
        operation_id="ask_to_verify_email", tags=["auth"], request=None, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """Send the link that proves the user's address again."""
        count(rate_limits.CHANGE_EMAIL, request)
        email_addresses.begin_verification(
            user=queries.profile(user_id=caller(request).pk), now=datetime.now(UTC)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerificationConfirmView(PublicView):
    @extend_schema(
        operation_id="verify_email",
        tags=["auth"],
        request=LinkSerializer,
        responses={200: VerifiedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Prove an address with the token of the mail: the present one, or the new one."""
        token = given(LinkSerializer, request)["token"]
        rate_limits.consume(rate_limits.LINK, request=request._request)
        user = email_addresses.use_link(
            token=token, now=datetime.now(UTC), origin=origin_of(request._request)
        )
        return Response({"email": user.email})


urlpatterns = [
    path("auth/password-reset", ResetRequestView.as_view()),
    path("auth/password-reset/confirm", ResetView.as_view()),
    path("auth/email-verification", VerificationView.as_view()),
    path("auth/email-verification/confirm", VerificationConfirmView.as_view()),
]
