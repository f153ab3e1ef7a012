"""How a request says who it is: a bearer token, or the session of the pages with its CSRF token."""

from collections.abc import Sequence
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

from edge.throttling import LOG_IN, consume
from identity import queries, tokens
from identity.models import User


@cache
def token_key() -> bytes:
    """The key tokens are signed with."""
    return tokens.signing_key(settings.SECRET_KEY)


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; no database query while the user is remembered."""

    def authenticate(self, request: Request) -> tuple[User, tokens.Access] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header[:7].lower() != "bearer ":
            return None
        try:
            claims = tokens.read_access(
                key=token_key(), token=header[7:].strip(), now=datetime.now(UTC)
            )
            return queries.principal(claims=claims), claims
        except tokens.TokenRefused as error:
            raise AuthenticationFailed(error.detail, code=error.code) from None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


class PageSessionAuthentication(BaseAuthentication):
    """The session cookie of the pages; whatever changes something needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        page_request = request._request
        if settings.SESSION_COOKIE_NAME not in page_request.COOKIES:
            return None
        if "HTTP_AUTHORIZATION" in page_request.META:
            return None  # one way at a time; the session's own checks were skipped
        user = getattr(page_request, "user", None)
        if not isinstance(user, User) or not user.is_active:
            return None
        check = _CsrfCheck(lambda _: None)  # type: ignore[arg-type]
        check.process_request(page_request)
        reason = check.process_view(page_request, None, (), {})  # type: ignore[arg-type]
        if reason:
            raise PermissionDenied(f"CSRF check failed: {reason}", code="csrf_failed")
        return user, None


class PasswordBackend(ModelBackend):
    """The one place where a password is checked, for the API, the pages and the admin alike.

    Tries are counted per address and per e-mail before anything is compared, and an unknown e-mail
    costs as much time as a wrong password.
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
        if request is not None:
            consume(LOG_IN, request=request, email=email)
        found = super().authenticate(request, username=email, password=password)
        return found if isinstance(found, User) else None


def require_roles(user: User, roles: Sequence[str]) -> None:
    """Refuses everyone whose role is not among `roles`."""
    if user.role not in roles:
        raise PermissionDenied("Your role does not allow this.", code="role_not_allowed")


def caller(request: Request) -> User:
    """Who asks. For views behind IsAuthenticated, where it cannot be anybody else."""
    assert isinstance(request.user, User), "an authenticated view has a user"
    return request.user
