"""Middleware for the lifetime of page sessions and for the audit trail."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from pghistory.middleware import HistoryMiddleware

from identity.models import User
from identity.operations.devices import remember_browser

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_STARTED = "_session_started_at"
_SEEN = "_session_seen_at"
_LOGGED_IN = "_logged_in_as"
# A session in use is written at most this often.
SLIDE_S = 3600


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
        started = session.setdefault(_STARTED, now)
        if now - started >= settings.SESSION_ABSOLUTE_AGE_S:
            session.flush()
        elif now - session.get(_SEEN, 0) >= SLIDE_S:
            session[_SEEN] = now
            left = settings.SESSION_ABSOLUTE_AGE_S - (now - started)
            session.set_expiry(min(settings.SESSION_COOKIE_AGE, left))


class AuditMiddleware(HistoryMiddleware):
    """Record who changed something, and in which request.

    A bearer token is read in the view, so its user is added later.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        request_id = getattr(request, "request_id", None)
        if _has_token(request):
            return {"user": None, "url": request.path, "request_id": request_id}
        return {**super().get_context(request), "request_id": request_id}


def begin_session(request: HttpRequest) -> None:
    """Call after `django.contrib.auth.login`: the absolute end counts from now."""
    now = int(timezone.now().timestamp())
    request.session[_STARTED] = now
    request.session[_SEEN] = now


@receiver(user_logged_in)
def note_log_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    """Mark the request, so that its response makes the browser a known device."""
    if request is not None:
        setattr(request, _LOGGED_IN, user.email)


def _has_token(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") and "HTTP_AUTHORIZATION" in request.META
