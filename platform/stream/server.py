"""Start the server of the stream: `python -m stream.server --host 127.0.0.1 --port 8001`.

This is uvicorn with settings that its command line lacks or that must not be left out:
- the listening socket has TCP_USER_TIMEOUT, which accepted sockets inherit: the kernel cuts off a
  peer that takes no bytes, even when the server has already closed it;
- a connection that does not finish its request headers in time is cut off;
- messages of 100 KB at most, no compression (64-316 KiB a socket), pings every 20 s;
- the consumer, never the server, reads X-Forwarded-For, by the number of trusted proxies.
"""

import argparse
import asyncio
import os
import resource
import socket
from asyncio.transports import BaseTransport
from collections.abc import Sequence

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.listening import add_arguments, listening_socket
from stream.protocol import MESSAGE_BYTES_MAX

HEADERS_S_MAX = float(os.environ.get("STREAM_HEADERS_S") or 10)
UNACKNOWLEDGED_MS_MAX = 30_000
PING_S = 20.0
GRACE_S = 10


class ImpatientHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a time limit for the first request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEADERS_S_MAX, _abort, transport)

    def on_headers_complete(self) -> None:
        self._patience.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)


def _abort(transport: BaseTransport) -> None:
    if isinstance(transport, asyncio.Transport) or hasattr(transport, "abort"):
        transport.abort()


def cut_off_dead_peers(listening: socket.socket) -> None:
    """Have the kernel close accepted sockets whose peer acknowledges nothing."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX)


def raise_file_limit() -> None:
    """Raise the limit of open files to this user's maximum: every socket is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def config(application: str = "config.asgi:application") -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=ImpatientHttp,
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        proxy_headers=False,
        server_header=False,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
    )


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stream.server", description=__doc__)
    host, port = os.environ.get("STREAM_HOST"), os.environ.get("STREAM_PORT")
    add_arguments(parser, host=host or "127.0.0.1", port=int(port or 8001))
    return parser.parse_args(words)


def main() -> None:
    asked = arguments()
    raise_file_limit()
    with listening_socket(asked) as listening:
        cut_off_dead_peers(listening)
        uvicorn.Server(config()).run(sockets=[listening])


if __name__ == "__main__":
    main()
