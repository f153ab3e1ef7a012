"""Middleware for the lifetime of page sessions and for the audit trail."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseRedirect
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.utils import timezone
from pghistory.middleware import HistoryMiddleware

from edge.addresses import client_address
from identity.models import User
from identity.operations.devices import remember_browser
from identity.operations.passkeys import Site
from identity.operations.sessions import ADDRESS, DEVICE, PROVED, SECOND_FACTOR, SEEN, STARTED
from identity.origins import Origin, device_name

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_LOGGED_IN = "_logged_in_as"
# A session in use is written at most this often, so its "last used" is as exact as this.
SLIDE_S = 600


class SessionLifetimeMiddleware:
    """Extend a session with use, and end it at last SESSION_ABSOLUTE_AGE_S after the log-in.

    A changed token version ends it too: Django compares `User._get_session_auth_hash`.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not _has_token(request):
            self._check(request)
        response = self.get_response(request)
        email = getattr(request, _LOGGED_IN, None)
        if email is not None:
            remember_browser(request=request, response=response, email=email)
        return response

    def _check(self, request: HttpRequest) -> None:
        session = request.session
        if SESSION_KEY not in session:
            return
        now = int(timezone.now().timestamp())
        started = session.setdefault(STARTED, now)
        if now - started >= settings.SESSION_ABSOLUTE_AGE_S:
            session.flush()
        elif now - session.get(SEEN, 0) >= SLIDE_S:
            session[SEEN] = now
            session[ADDRESS] = client_address(request)
            left = settings.SESSION_ABSOLUTE_AGE_S - (now - started)
            session.set_expiry(min(settings.SESSION_COOKIE_AGE, left))


class OperatorMiddleware:
    """Let nobody into the admin whose session began without a second factor."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.OPERATORS_NEED_SECOND_FACTOR
            and request.path.startswith("/admin/")
            and request.user.is_authenticated
            and not request.session.get(SECOND_FACTOR)
        ):
            messages.warning(
                request, "The administration needs a second factor. Set one up, then log in again."
            )
            return HttpResponseRedirect("/settings/security")
        return self.get_response(request)


class AuditMiddleware(HistoryMiddleware):
    """Record who changed something, and in which request.

    A bearer token is read in the view, so its user is added later.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        request_id = getattr(request, "request_id", None)
        if _has_token(request):
            return {"user": None, "url": request.path, "request_id": request_id}
        return {**super().get_context(request), "request_id": request_id}


def begin_session(request: HttpRequest, *, second_factor: bool = False) -> None:
    """Call after `django.contrib.auth.login`: the absolute end counts from now.

    `second_factor`: whether more than a password proved who it is.
    """
    now = int(timezone.now().timestamp())
    origin = origin_of(request)
    request.session[STARTED] = request.session[SEEN] = request.session[PROVED] = now
    request.session[SECOND_FACTOR] = second_factor
    request.session[DEVICE], request.session[ADDRESS] = origin.device, origin.address


def session_proved_at(request: HttpRequest) -> datetime | None:
    """Return when the person behind this session last proved who they are."""
    seconds = request.session.get(PROVED)
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def renew_session_proof(request: HttpRequest) -> None:
    """Write that the person behind this session has just proved who they are."""
    request.session[PROVED] = int(timezone.now().timestamp())


def site_of(request: HttpRequest) -> Site:
    """Return the site as the browser of this request knows it; ALLOWED_HOSTS bounds the names."""
    host, _ = split_domain_port(request.get_host())
    return Site(host=host, origin=f"{request.scheme}://{request.get_host()}")


def origin_of(request: HttpRequest) -> Origin:
    """Return the address and the device of a request, for lists and mails."""
    return Origin(
        address=client_address(request),
        device=device_name(request.headers.get("User-Agent", "")),
    )


@receiver(user_logged_in)
def note_log_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    """Mark the request, so that its response makes the browser a known device."""
    if request is not None:
        setattr(request, _LOGGED_IN, user.email)


def _has_token(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") and "HTTP_AUTHORIZATION" in request.META
