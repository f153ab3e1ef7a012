"""Middleware for every request: an id, a log line, metrics, and the content policy of pages."""

import re
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from django.core.exceptions import DisallowedHost
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from core.errors import BallastError, InvalidInput
from edge import metrics
from edge.addresses import stream_origin
from edge.problems import (
    CONTENT_TYPE,
    is_api,
    problem,
    problem_of,
    request_id_of,
    translated,
)
from edge.query_strings import refuse_undeclared
from edge.short_way import API_POLICY, GetResponse, dress, innermost, is_api_read
from stores.redis import request_patience

access_log = structlog.get_logger(channel="access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestMiddleware:
    """Outermost middleware: request id, access log, metrics, and problems for API clients."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.view = innermost(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = request_id_for(request.META.get("HTTP_X_REQUEST_ID"))
        request.request_id = request_id  # type: ignore[attr-defined]
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        with metrics.counting(request.path_info) as tally, request_patience():
            if is_api_read(request):
                response = self._short_way(request)
            else:
                response = self.get_response(request)
        status = response.status_code
        if status >= 400 and is_api(request) and response["Content-Type"] != CONTENT_TYPE:
            response = _as_problem(response, request_id=request_id)
        response["X-Request-ID"] = request_id
        if is_api(request):
            response.headers.setdefault("Cache-Control", "no-store")
        seconds = time.perf_counter() - started
        route = _route(request)
        metrics.observe_request(
            route=route,
            method=request.method or "",
            status=status,
            seconds=seconds,
            tally=tally,
        )
        _log(request, route=route, status=status, seconds=seconds, tally=tally)
        return response

    def _short_way(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
        except DisallowedHost as error:
            return problem_of(error, request_id=request_id_of(request))
        response = self.view(request)
        dress(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Refuse query parameters that the operation does not declare."""
        try:
            refuse_undeclared(request, view)
        except InvalidInput as refusal:
            return problem_of(refusal, request_id=request_id_of(request))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer refusals of views outside Django REST framework; leave the rest to Django."""
        if is_api(request):
            return problem_of(exception, request_id=request_id_of(request))
        if isinstance(exception, BallastError):
            return _page(exception)
        if isinstance(exception, DataError):
            return _page(translated(exception))
        return None


class ContentSecurityPolicyMiddleware:
    """Pages load only files from this origin and run no inline script or style."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Content-Security-Policy"):
            response["Content-Security-Policy"] = _policy(request)
        return response


# The admin's Alpine and the API browser need inline code; both are for trusted users.
_LOOSE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_LOOSE_PATHS = ("/admin/", "/api/v1/docs")


def _policy(request: HttpRequest) -> str:
    path = request.path
    if path.startswith(_LOOSE_PATHS):
        return _LOOSE_POLICY
    return API_POLICY if is_api(request) else _page_policy(stream_origin(request))


@lru_cache(maxsize=256)
def _page_policy(stream: str) -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self' {stream}; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


# Pages whose address ends with the token of a mailed link.
_SECRET_PATHS = ("/reset/", "/verify/", "/invitation/")


def path_logged(path: str) -> str:
    """Return the path for a log, without the token of a mailed link."""
    secret = next((start for start in _SECRET_PATHS if path.startswith(start)), None)
    return path if secret is None else f"{secret}..."


def request_id_for(offered: str | None) -> str:
    """Return the id a client or proxy sent if it is valid; else a new one."""
    if offered is not None and _REQUEST_ID.fullmatch(offered):
        return offered
    return secrets.token_hex(16)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.route if match is not None else "unmatched"


def _as_problem(response: HttpResponseBase, *, request_id: str) -> HttpResponse:
    """Turn Django's own error pages below /api/ into problems; keep status and headers."""
    kept = {
        name: value
        for name, value in response.items()
        if name.lower() not in ("content-type", "content-length")
    }
    made = problem(status=response.status_code, request_id=request_id, headers=kept)
    made.cookies = response.cookies
    return made


def _page(error: BallastError) -> HttpResponse:
    response = HttpResponse(
        f"{error.detail}\n", status=error.status, content_type="text/plain; charset=utf-8"
    )
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response


def _log(
    request: HttpRequest, *, route: str, status: int, seconds: float, tally: metrics.QueryTally
) -> None:
    log = access_log.debug if request.path in _QUIET else access_log.info
    log(
        "request",
        method=request.method,
        path=path_logged(request.path),
        route=route,
        status=status,
        ms=round(seconds * 1000, 2),
        queries=len(tally.timings),
        query_ms=round(tally.seconds * 1000, 2),
        user_id=_user_id(request),
    )


def _user_id(request: HttpRequest) -> Any:
    """Return the user if already loaded; a log line sends no query."""
    user = getattr(request, "_cached_user", None)
    if user is None:
        user = request.__dict__.get("user")
        if user is None or not hasattr(type(user), "_meta"):
            return None
    return user.pk
