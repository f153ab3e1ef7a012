"""Two addresses: the one a request comes from, and the stream's, to which pages connect."""

from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from core.callers import caller_address

_STREAM_PATH = "/ws/v1/stream"


def client_address(request: HttpRequest) -> str:
    """Return the caller's address, as far as our own proxies confirm it."""
    return caller_address(
        peer=request.META.get("REMOTE_ADDR", ""),
        forwarded_for=[request.META.get("HTTP_X_FORWARDED_FOR", "")],
        trusted_proxy_count=settings.TRUSTED_PROXY_COUNT,
    )


def stream_url(request: HttpRequest) -> str:
    """Return the caller's WebSocket address: STREAM_URL, or the request's host and STREAM_PORT."""
    if settings.STREAM_URL:
        return str(settings.STREAM_URL)
    return _stream_origin(request.is_secure(), request.get_host()) + _STREAM_PATH


def stream_origin(request: HttpRequest) -> str:
    """Return scheme, host and port of the stream, as a content security policy names it."""
    parts = urlsplit(stream_url(request))
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(maxsize=256)
def _stream_origin(secure: bool, host: str) -> str:
    domain, _ = split_domain_port(host)
    return f"{'wss' if secure else 'ws'}://{domain}:{settings.STREAM_PORT}"
