"""Read HTTP requests and pass them to Django in threads: an RSGI application for granian.

        headers ─→ /healthz ─→ response from the event loop, even when all threads are busy
            └→ whole body (bodies) ─→ queue and threads (request_threads) ─→ Django (WSGI)

A request gets a thread only after its whole body has arrived, and granian gets the complete
response. So a slow client occupies a socket and some memory, but never a thread. A request
refused before Django gets the same problem document, request id, log line and metrics as any other.
"""

import asyncio
import faulthandler
import logging
import os
import resource
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from http import HTTPStatus
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import structlog

from core.callers import caller_address, counted_as
from core.errors import BallastError, Unavailable
from edge import metrics
from edge.bodies import MEMORY_BYTES_MAX, BodyLimits, Held, declared_length, read_body
from edge.middleware import request_id_for
from edge.problems import InternalError, problem
from edge.request_threads import RequestThreads

logger = logging.getLogger(__name__)
access_log = structlog.get_logger(channel="access")

Headers = list[tuple[str, str]]
WsgiHandler = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SWEEP_S = 1.0
OPEN_FILES_WANTED = 65_536
# granian opens the file of a response shortly after it gets the path.
FILE_KEPT_S = 30.0
SERVER = ("server", "ballast")
_BASE = {
    "SCRIPT_NAME": "",
    "GATEWAY_INTERFACE": "CGI/1.1",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Front:
    """Reads requests in the event loop and runs Django in threads."""

    def __init__(
        self,
        handler: WsgiHandler,
        *,
        threads: RequestThreads,
        bodies: BodyLimits,
        trusted_proxy_count: int,
        standstill_s_max: float,
        stuck_s_max: float,
    ) -> None:
        self.handler = handler
        self.threads = threads
        self.held = Held(bodies)
        self.trusted_proxy_count = trusted_proxy_count
        self.standstill_s_max = standstill_s_max
        self.stuck_s_max = stuck_s_max
        self.loop: asyncio.AbstractEventLoop

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        allow_open_files()
        self.threads.start(loop)
        loop.call_soon(self._sweep, loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        faulthandler.cancel_dump_traceback_later()
        self.threads.stop()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run once a second. If the loop blocks, the process exits and granian starts another."""
        faulthandler.dump_traceback_later(self.standstill_s_max, exit=True)
        self.threads.sweep()
        loop.call_later(SWEEP_S, self._sweep, loop)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.path == "/healthz" and scope.method in ("GET", "HEAD"):
            self._alive(protocol)
            return
        began_s = time.perf_counter()
        try:
            environ = environ_of(scope)
            if length := declared_length(environ):
                await self._with_body(environ, protocol, length)
            else:
                await self._answered(environ, protocol)
        except BallastError as refusal:
            _refuse(scope, protocol, refusal, began_s=began_s)

    async def _with_body(self, environ: dict[str, Any], protocol: Any, length: int) -> None:
        caller = caller_address(
            peer=environ["REMOTE_ADDR"],
            forwarded_for=[environ.get("HTTP_X_FORWARDED_FOR", "")],
            trusted_proxy_count=self.trusted_proxy_count,
        )
        with (
            self.held.share(counted_as(caller)) as share,
            await read_body(protocol, length=length, share=share) as body,
        ):
            environ["wsgi.input"] = body
            await self._answered(environ, protocol)

    def _alive(self, protocol: Any) -> None:
        """Respond to /healthz: 200 unless all threads are stuck."""
        stuck = self.threads.stuck(self.stuck_s_max)
        status, text = (503, "stuck\n") if stuck else (200, "ok\n")
        protocol.response_str(
            status, [("content-type", "text/plain"), ("cache-control", "no-store"), SERVER], text
        )

    async def _answered(self, environ: dict[str, Any], protocol: Any) -> None:
        if self.threads.full:
            raise Unavailable(
                "The server is overloaded. Nothing was changed. Try again shortly.",
                code="server_busy",
                retry_after_s=1,
            )
        if not await self.threads.enter(partial(self._answer, environ, protocol)):
            raise Unavailable(
                "The server could not start this request in time. Nothing was changed. "
                "Try again shortly.",
                code="server_busy",
                retry_after_s=2,
            )

    def _answer(self, environ: dict[str, Any], protocol: Any) -> None:
        """Call Django and send the complete response to granian. Runs in a thread."""
        try:
            status, headers, content, file = answer_of(self.handler, environ)
            descriptor = None if file is None else _descriptor_of(file)
        except Exception:
            # Django handles its own errors; this is another one, such as a full disk.
            logger.exception("a response could not be built")
            failure = InternalError(
                "An error occurred on our side. Send the request id to the operator."
            )
            _send(protocol, environ["PATH_INFO"], failure, request_id=secrets.token_hex(16))
            return
        if descriptor is None:
            protocol.response_bytes(status, headers, content)
            return
        # The file is unlinked; granian opens it by the path of its descriptor.
        protocol.response_file(status, headers, f"/dev/fd/{descriptor}")
        self.loop.call_soon_threadsafe(self.loop.call_later, FILE_KEPT_S, os.close, descriptor)


def answer_of(
    handler: WsgiHandler, environ: dict[str, Any]
) -> tuple[int, Headers, bytes, IO[bytes] | None]:
    """Return status, headers and the complete content of a response, in a file if it is large."""
    status, headers = 500, [("content-type", "text/plain; charset=utf-8"), SERVER]
    started: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, exc_info: Any = None) -> None:
        started[:] = [(status, headers)]

    response = handler(environ, start)
    try:
        size, file = 0, None
        pieces: list[bytes] = []
        for piece in response:
            size += len(piece)
            if file is None and size > MEMORY_BYTES_MAX and len(pieces) > 0:
                file = _file_of(pieces)
            if file is None:
                pieces.append(piece)
            else:
                file.write(piece)
    finally:
        if close := getattr(response, "close", None):
            close()
    words, headers = started[0]
    status = int(words[:3])
    if file is not None:
        file.flush()
    return status, [*headers, SERVER], b"" if file else b"".join(pieces), file


def _file_of(pieces: Iterable[bytes]) -> IO[bytes]:
    file = SpooledTemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    file.writelines(pieces)
    file.rollover()
    return file


def _descriptor_of(file: IO[bytes]) -> int:
    """Close the file and return a duplicate of its descriptor, positioned at the start."""
    with file:
        descriptor = os.dup(file.fileno())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def environ_of(scope: Any) -> dict[str, Any]:
    """Return the WSGI environment of a request whose body has not arrived yet."""
    host, _, port = scope.server.rpartition(":")
    version = scope.http_version
    environ = {
        **_BASE,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port if port.isdecimal() else "80",
        "SERVER_PROTOCOL": f"HTTP/{version if '.' in version else version + '.0'}",
        "REMOTE_ADDR": scope.client.rsplit(":", 1)[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }
    for name, value in scope.headers.items():
        if (key := _key(name) if len(name) <= 64 else _key.__wrapped__(name)) is None:
            continue
        if key in environ:
            environ[key] += f"; {value}" if key == "HTTP_COOKIE" else f",{value}"
        else:
            environ[key] = value
    return environ


@lru_cache(maxsize=1024)
def _key(name: str) -> str | None:
    """Return a header's WSGI name; None for one with an underscore, which could spoof another."""
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def allow_open_files() -> None:
    """Raise the limit of open files as far as the system permits, since each socket counts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _refuse(scope: Any, protocol: Any, refusal: BallastError, *, began_s: float) -> None:
    """Send, log and count the refusal of a request before Django."""
    request_id = request_id_for(scope.headers.get("x-request-id"))
    _send(protocol, scope.path, refusal, request_id=request_id)
    metrics.REFUSED_EARLY.labels(refusal.code).inc()
    access_log.info(
        "request",
        request_id=request_id,
        method=scope.method,
        path=scope.path,
        route="front",
        status=refusal.status,
        code=refusal.code,
        ms=round((time.perf_counter() - began_s) * 1000, 2),
    )


def _send(protocol: Any, path: str, refusal: BallastError, *, request_id: str) -> None:
    """Send a problem for the API or plain text for pages, and close the connection."""
    if path.startswith("/api/"):
        response = problem(
            status=refusal.status, code=refusal.code, detail=refusal.detail, request_id=request_id
        )
        content, kind = response.content, response["Content-Type"]
    else:
        title = HTTPStatus(refusal.status).phrase
        content = f"{title}. {refusal.detail}\nRequest {request_id}\n".encode()
        kind = "text/plain; charset=utf-8"
    headers = [
        ("content-type", kind),
        ("x-request-id", request_id),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("connection", "close"),
        SERVER,
    ]
    if refusal.retry_after_s is not None:
        headers.append(("retry-after", str(refusal.retry_after_s)))
    protocol.response_bytes(refusal.status, headers, content)
