"""Authentication of a request: a bearer token, or the session of the pages with its CSRF token."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from core.emails import folded
from edge.rate_limits import LOG_IN, consume
from identity import queries, token_signing
from identity.models import User
from identity.operations.devices import known_device, remember_address


@cache
def token_key() -> bytes:
    """Return the key that signs tokens."""
    return token_signing.signing_key(settings.SECRET_KEY)


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; no database query while the user is cached."""

    def authenticate(self, request: Request) -> tuple[User, token_signing.Access] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header[:7].lower() != "bearer ":
            return None
        try:
            claims = token_signing.read_access(
                key=token_key(), token=header[7:].strip(), now=datetime.now(UTC)
            )
            return queries.principal(claims=claims), claims
        except token_signing.TokenRefused as error:
            raise AuthenticationFailed(error.detail, code=error.code) from None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


class PageSessionAuthentication(BaseAuthentication):
    """The session cookie of the pages; every change needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        page_request = request._request
        if settings.SESSION_COOKIE_NAME not in page_request.COOKIES:
            return None
        if "HTTP_AUTHORIZATION" in page_request.META:
            return None  # one way at a time; the session's own checks were skipped
        user = getattr(page_request, "user", None)
        if not isinstance(user, User) or not user.may_log_in:
            return None
        check = _CsrfCheck(lambda _: None)  # type: ignore[arg-type]
        check.process_request(page_request)
        reason = check.process_view(page_request, None, (), {})  # type: ignore[arg-type]
        if reason:
            raise PermissionDenied(
                f"The CSRF check failed. Reload the page and try again. {reason}",
                code="csrf_failed",
            )
        return user, None


class PasswordBackend(ModelBackend):
    """The one place where a password is checked, for the API, the pages and the admin alike.

    Tries are counted before anything is compared: by address and by e-mail. The e-mail has one
    count for all unknown devices together and one for each known device. An unknown e-mail costs
    as much time as a wrong password.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        email = username if username is not None else kwargs.get("email")
        if not email or password is None:
            return None
        email = folded(email)
        if request is not None:
            device = known_device(request=request, email=email)
            consume(LOG_IN, request=request, subject=email, device=device)
        found = super().authenticate(request, username=email, password=password)
        if not isinstance(found, User):
            return None
        if request is not None:
            remember_address(request=request, email=email)
        return found

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether the user may log in, at every log-in and every page-session request."""
        return isinstance(user, User) and user.may_log_in


def caller(request: Request) -> User:
    """Return the user of the request. For views behind IsAuthenticated only."""
    assert isinstance(request.user, User), "an authenticated view has a user"
    return request.user
