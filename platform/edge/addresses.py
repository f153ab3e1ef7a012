"""Addresses the browser is told: where the stream is."""

from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

_STREAM_PATH = "/ws/v1/stream"


def stream_url(request: HttpRequest) -> str:
    """The WebSocket address for the caller: STREAM_URL, or his own host with STREAM_PORT."""
    if settings.STREAM_URL:
        return str(settings.STREAM_URL)
    return _stream_origin(request.is_secure(), request.get_host()) + _STREAM_PATH


def stream_origin(request: HttpRequest) -> str:
    """Scheme, host and port of the stream, as a content security policy names it."""
    parts = urlsplit(stream_url(request))
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(maxsize=256)
def _stream_origin(secure: bool, host: str) -> str:
    domain, _ = split_domain_port(host)
    return f"{'wss' if secure else 'ws'}://{domain}:{settings.STREAM_PORT}"
