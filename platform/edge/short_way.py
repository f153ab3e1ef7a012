"""The short way: an API read with a bearer token skips session, CSRF check, messages and pages.

The middlewares of the pages cost about a quarter of a cached read and contribute nothing to it. So
the outermost middleware passes such a request to the innermost handler (URL, view, problems) and
sets the headers that those middlewares would have set. Every change passes through all of them,
because they set the audit context.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]

API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def innermost(get_response: GetResponse) -> GetResponse:
    """Return the handler behind all middlewares; each holds the next as `get_response`."""
    while True:
        middleware = getattr(get_response, "__wrapped__", get_response)
        following = getattr(middleware, "get_response", None)
        if following is None:
            return get_response
        get_response = following


def is_api_read(request: HttpRequest) -> bool:
    """Return whether this is a GET below /api/ with a bearer token, over TLS if TLS is required."""
    return (
        request.method == "GET"
        and request.path.startswith("/api/")
        and request.META.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer "
        and (request.is_secure() or not settings.SECURE_SSL_REDIRECT)
    )


def dress(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the headers that the skipped middlewares would set."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
    headers.setdefault("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY)
    headers.setdefault("Content-Security-Policy", API_POLICY)
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        headers.setdefault("Strict-Transport-Security", _hsts())
    if not response.streaming and "Content-Length" not in headers:
        headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]


def _hsts() -> str:
    text = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        text += "; includeSubDomains"
    return text + "; preload" if settings.SECURE_HSTS_PRELOAD else text
