"""The HTTP answers of the stream process: liveness, readiness, and metrics for monitoring."""

from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address, ip_network
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from stream.process import STATE_KEY, StreamProcess

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Health:
    """An ASGI application for HTTP; everything but its three addresses is a 404."""

    def __init__(self, *, metrics_networks: tuple[str, ...]) -> None:
        self._networks = [ip_network(network) for network in metrics_networks]

    async def __call__(self, scope: MutableMapping[str, Any], receive: object, send: Send) -> None:
        process: StreamProcess = scope["state"][STATE_KEY]
        path = scope["path"]
        if path == "/healthz":
            await _answer(send, 200, b'{"status":"ok"}')
        elif path == "/readyz":
            checked = process.revocation.authority_up
            ready = process.source_up and checked and not process.draining
            status = b'{"status":"ok"}' if ready else b'{"status":"unavailable"}'
            await _answer(send, 200 if ready else 503, status)
        elif path == "/metrics" and self._is_monitoring(scope):
            await _answer(send, 200, generate_latest(), kind=CONTENT_TYPE_LATEST)
        else:
            await _answer(send, 404, b'{"code":"not_found"}')

    def _is_monitoring(self, scope: MutableMapping[str, Any]) -> bool:
        """Return whether the call comes from the allowed networks and through no proxy."""
        if any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"]):
            return False
        try:
            address = ip_address((scope.get("client") or ("", 0))[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


async def _answer(send: Send, status: int, body: bytes, *, kind: str = "application/json") -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
