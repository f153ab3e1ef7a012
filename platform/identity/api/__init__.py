"""Registering, logging in, the profile, the household."""

from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import BallastError
from edge import rate_limits
from edge.addresses import stream_url
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from identity import queries
from identity.api import (
    keys,
    passkeys,
    recovery,
    schema,  # noqa: F401  names our ways to log in for drf-spectacular
    security,
)
from identity.api.handling import PublicView, count, ensure_recent_proof, family, given, page
from identity.api.serializers import (
    AdviserSerializer,
    ClosingSerializer,
    CredentialsSerializer,
    InvitationSerializer,
    InvitationTokenSerializer,
    InvitedSerializer,
    LogoutSerializer,
    NewInvitationSerializer,
    PasswordChangeSerializer,
    ProfileChangeSerializer,
    ProfileSerializer,
    RefreshSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
    SecurityEventSerializer,
    StreamTicketSerializer,
    TokenPairSerializer,
)
from identity.authentication import caller, ensure_second_factor, note_new_log_in, token_key
from identity.middleware import origin_of
from identity.models import User
from identity.operations import (
    closing,
    email_addresses,
    households,
    joining,
    refresh_tokens,
    users,
)
from identity.operations.tickets import stream_ticket
from identity.token_signing import Access


class CredentialsRefused(BallastError):
    """Wrong e-mail or wrong password; the answer never says which of them."""

    status = 401
    code = "credentials_invalid"


class RegistrationView(PublicView):
    @extend_schema(
        operation_id="register",
        tags=["auth"],
        request=RegistrationSerializer,
        responses={201: RegisteredSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create a user. The answer is the same when the e-mail address is taken."""
        body = given(RegistrationSerializer, request)
        rate_limits.consume(rate_limits.REGISTER, request=request._request, subject=body["email"])
        users.register(
            email=body["email"],
            password=body["password"],
            full_name=body["full_name"],
            invitation=body.get("invitation"),
            now=datetime.now(UTC),
        )
        return Response({"email": body["email"]}, status=status.HTTP_201_CREATED)


class TokenView(PublicView):
    @extend_schema(
        operation_id="log_in",
        tags=["auth"],
        request=CredentialsSerializer,
        responses={200: TokenPairSerializer},
    )
    def post(self, request: Request) -> Response:
        """Log in; return an access and a refresh token."""
        body = given(CredentialsSerializer, request)
        user = authenticate(request._request, username=body["email"], password=body["password"])
        if not isinstance(user, User):
            raise CredentialsRefused("The e-mail address or the password is wrong. Check both.")
        ensure_second_factor(user=user, otp=body.get("otp"), request=request._request)
        note_new_log_in(user=user, request=request._request, by="API")
        pair = refresh_tokens.start(
            user=user,
            key=token_key(),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(asdict(pair))


class RefreshView(PublicView):
    @extend_schema(
        operation_id="refresh_token",
        tags=["auth"],
        request=RefreshSerializer,
        responses={200: TokenPairSerializer},
    )
    def post(self, request: Request) -> Response:
        """Return the next pair. A refresh token works once; a second use ends its whole log-in."""
        body = given(RefreshSerializer, request)
        rate_limits.consume(rate_limits.REFRESH, request=request._request)
        pair = refresh_tokens.rotate(
            token=body["refresh"],
            key=token_key(),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(asdict(pair))


class LogoutView(APIView):
    @extend_schema(
        operation_id="log_out", tags=["auth"], request=LogoutSerializer, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """End the log-in of the access token used, and that of `refresh` when it is given."""
        body = given(LogoutSerializer, request)
        now = datetime.now(UTC)
        if "refresh" in body:
            refresh_tokens.end(token=body["refresh"], key=token_key(), now=now)
        if isinstance(request.auth, Access):
            refresh_tokens.end_family(claims=request.auth, now=now)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutEverywhereView(APIView):
    @extend_schema(
        operation_id="log_out_everywhere", tags=["auth"], request=None, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """End every token, page session and socket of the user."""
        users.end_everything(user_id=caller(request).pk, now=datetime.now(UTC))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(APIView):
    @extend_schema(
        operation_id="change_password",
        tags=["auth"],
        request=PasswordChangeSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Set a new password; every token, page session and socket ends."""
        body = given(PasswordChangeSerializer, request)
        user = queries.profile(user_id=caller(request).pk)
        count(rate_limits.PASSWORD, request)
        users.change_password(
            user=user, now=datetime.now(UTC), origin=origin_of(request._request), **body
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class StreamTicketView(APIView):
    @extend_schema(
        operation_id="stream_ticket",
        tags=["auth"],
        request=None,
        responses={200: StreamTicketSerializer},
    )
    def post(self, request: Request) -> Response:
        """Return a ticket that opens one socket at `url` within `expires_in` seconds."""
        return Response(
            {
                "ticket": stream_ticket(user=caller(request), family=family(request)),
                "expires_in": int(settings.STREAM_TICKET_LIFETIME.total_seconds()),
                "url": stream_url(request._request),
            }
        )


class ProfileView(APIView):
    @extend_schema(operation_id="profile", tags=["users"], responses={200: ProfileSerializer})
    def get(self, request: Request) -> Response:
        """Return the user of this request, with their household."""
        return _profile(queries.profile(user_id=caller(request).pk))

    @extend_schema(
        operation_id="change_profile",
        tags=["users"],
        request=ProfileChangeSerializer,
        responses={200: ProfileSerializer},
    )
    def patch(self, request: Request) -> Response:
        """Change the given fields. A new `email` counts once the link mailed to it is used."""
        changes = given(ProfileChangeSerializer, request)
        password = changes.pop("current_password", "")
        email = changes.pop("email", None)
        user = queries.profile(user_id=caller(request).pk)
        if email is not None and email != user.email:
            count(rate_limits.CHANGE_EMAIL, request)
            users.ensure_password(user, password)
            email_addresses.begin_change(
                user=user,
                email=email,
                now=datetime.now(UTC),
                origin=origin_of(request._request),
            )
        return _profile(users.change_profile(user=user, changes=changes, now=datetime.now(UTC)))

    @extend_schema(
        operation_id="ask_for_deletion", tags=["users"], responses={202: ClosingSerializer}
    )
    def delete(self, request: Request) -> Response:
        """Ask for the deletion of oneself, in thirty days. Needs a recent proof.

        API keys and other log-ins end now. The ledger of the household stays for its other members
        and for the tax authorities; name, address and means to log in are erased.
        """
        ensure_recent_proof(request)
        user = closing.ask_to_close(
            user=queries.profile(user_id=caller(request).pk),
            current=family(request),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(ClosingSerializer(user).data, status=status.HTTP_202_ACCEPTED)


class StayView(APIView):
    @extend_schema(
        operation_id="withdraw_deletion", tags=["users"], request=None, responses={204: None}
    )
    def post(self, request: Request) -> Response:
        """Take the deletion of oneself back."""
        closing.stay(
            user=queries.profile(user_id=caller(request).pk),
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class AuditView(APIView):
    @extend_schema(
        operation_id="security_events",
        tags=["users"],
        parameters=page_parameters(keyset=True),
        responses={200: page_of(SecurityEventSerializer, keyset=True)},
    )
    def get(self, request: Request) -> Response:
        """List who did what with the access to the household, the newest first.

        The address and the device are shown for one's own entries only.
        """
        user = caller(request)
        pages = Keyset(sort_key="created_at")
        found = pages.paginate_queryset(queries.security_events(user=user), request)
        rows = [queries.event_seen(event=event, user=user) for event in found or ()]
        return pages.get_paginated_response(SecurityEventSerializer(rows, many=True).data)


class InvitationsView(APIView):
    @extend_schema(
        operation_id="invitations",
        tags=["households"],
        parameters=page_parameters(),
        responses={200: page_of(InvitationSerializer)},
    )
    def get(self, request: Request) -> Response:
        """List the open invitations into the user's household."""
        return page(queries.open_invitations(user=caller(request)), request, InvitationSerializer)

    @extend_schema(
        operation_id="invite",
        tags=["households"],
        request=InvitedSerializer,
        responses={201: NewInvitationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Invite one address by mail for seven days. Needs a recent proof.

        The token, another way to accept, is returned only once.
        """
        body = given(InvitedSerializer, request)
        count(rate_limits.INVITE, request)
        ensure_recent_proof(request)
        invitation, token = households.invite(
            user=queries.profile(user_id=caller(request).pk),
            email=body["email"],
            now=datetime.now(UTC),
        )
        body = {**InvitationSerializer(invitation).data, "token": token}
        return Response(body, status=status.HTTP_201_CREATED)


class InvitationAcceptView(APIView):
    @extend_schema(
        operation_id="join_household",
        tags=["households"],
        request=InvitationTokenSerializer,
        responses={200: ProfileSerializer},
    )
    def post(self, request: Request) -> Response:
        """Accept an invitation with your existing log-in. Needs a recent proof.

        You leave your own household. This is refused with `household_holds_data` if it holds
        accounts or assets that you would no longer reach.
        """
        token = given(InvitationTokenSerializer, request)["invitation"]
        count(rate_limits.LINK, request)
        ensure_recent_proof(request)
        joining.join_household(
            user=queries.profile(user_id=caller(request).pk),
            token=token,
            now=datetime.now(UTC),
            origin=origin_of(request._request),
        )
        return _profile(queries.profile(user_id=caller(request).pk))


class InvitationView(APIView):
    @extend_schema(operation_id="take_back_invitation", tags=["households"], responses={204: None})
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        """Withdraw an invitation."""
        households.take_back_invitation(
            user=caller(request), invitation_id=invitation_id, now=datetime.now(UTC)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class AdvisersView(APIView):
    @extend_schema(
        operation_id="advisers",
        tags=["households"],
        parameters=page_parameters(),
        responses={200: page_of(AdviserSerializer)},
    )
    def get(self, request: Request) -> Response:
        """List the advisers who may see the household."""
        return page(queries.advisers(user=caller(request)), request, AdviserSerializer)

    @extend_schema(
        operation_id="grant_adviser",
        tags=["households"],
        request=InvitedSerializer,
        responses={201: AdviserSerializer},
    )
    def post(self, request: Request) -> Response:
        """Let an adviser see the household and act for it. Needs a recent proof."""
        body = given(InvitedSerializer, request)
        count(rate_limits.INVITE, request)
        ensure_recent_proof(request)
        link = households.grant_adviser(
            user=queries.profile(user_id=caller(request).pk),
            email=body["email"],
            now=datetime.now(UTC),
        )
        return Response(AdviserSerializer(link).data, status=status.HTTP_201_CREATED)


class AdviserView(APIView):
    @extend_schema(operation_id="withdraw_adviser", tags=["households"], responses={204: None})
    def delete(self, request: Request, adviser_id: UUID) -> Response:
        """End the adviser's access to the household at once."""
        households.withdraw_adviser(
            user=queries.profile(user_id=caller(request).pk),
            adviser_id=adviser_id,
            now=datetime.now(UTC),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _profile(user: User) -> Response:
    pending = email_addresses.pending_email(user=user, now=datetime.now(UTC))
    user.pending_email = pending  # type: ignore[attr-defined]
    user.household.people = queries.members(household=user.household)  # type: ignore[attr-defined]
    return Response(ProfileSerializer(user).data)


urlpatterns = [
    *keys.urlpatterns,
    *passkeys.urlpatterns,
    *recovery.urlpatterns,
    *security.urlpatterns,
    path("auth/register", RegistrationView.as_view()),
    path("auth/token", TokenView.as_view()),
    path("auth/token/refresh", RefreshView.as_view()),
    path("auth/logout", LogoutView.as_view()),
    path("auth/logout-everywhere", LogoutEverywhereView.as_view()),
    path("auth/password", PasswordView.as_view()),
    path("auth/stream-ticket", StreamTicketView.as_view()),
    path("users/me", ProfileView.as_view()),
    path("users/me/audit", AuditView.as_view()),
    path("users/me/restore", StayView.as_view()),
    path("households/invitations", InvitationsView.as_view()),
    path("households/invitations/accept", InvitationAcceptView.as_view()),
    path("households/invitations/<uuid:invitation_id>", InvitationView.as_view()),
    path("households/advisers", AdvisersView.as_view()),
    path("households/advisers/<uuid:adviser_id>", AdviserView.as_view()),
]
