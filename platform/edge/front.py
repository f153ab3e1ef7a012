"""Read HTTP requests and pass them to Django in threads: an RSGI application for granian.

        headers ─→ /healthz ─→ response from the event loop, even when all threads are busy
            └→ whole body (bodies) ─→ queue and threads (request_threads) ─→ Django (WSGI)

A request gets a thread only after its whole body has arrived, and each response is complete before
it is sent (`answers`). So a slow client occupies a socket and some memory, but never a thread. A
request refused before Django gets the same problem document, request id, log line and metrics as
any other.
"""

import asyncio
import faulthandler
import logging
import resource
import secrets
import sys
import time
from functools import lru_cache, partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

import structlog

from core.callers import caller_address, counted_as
from core.errors import BallastError, Unavailable
from edge import metrics
from edge.answers import Answer, HeldAnswers, WsgiHandler, fill
from edge.bodies import BodyLimits, Held, declared_length, read_body
from edge.middleware import path_logged, request_id_for
from edge.problems import InternalError, problem
from edge.request_threads import RequestThreads

logger = logging.getLogger(__name__)
access_log = structlog.get_logger(channel="access")

SWEEP_S = 1.0
OPEN_FILES_WANTED = 65_536
CACHED_NAME_LENGTH_MAX = 64
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
        answers: HeldAnswers,
        trusted_proxy_count: int,
        standstill_s_max: float,
        stuck_s_max: float,
    ) -> None:
        self.handler = handler
        self.threads = threads
        self.held = Held(bodies)
        self.answers = answers
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
            caller = counted_as(self._caller(environ))
            if length := declared_length(environ):
                large = await self._with_body(environ, protocol, length, caller)
            else:
                large = await self._answered(environ, protocol, caller)
        except BallastError as refusal:
            _refuse(scope, protocol, refusal, began_s=began_s)
            return
        if large is not None:
            await _send_large(large, protocol)

    def _caller(self, environ: dict[str, Any]) -> str:
        return caller_address(
            peer=environ["REMOTE_ADDR"],
            forwarded_for=[environ.get("HTTP_X_FORWARDED_FOR", "")],
            trusted_proxy_count=self.trusted_proxy_count,
        )

    async def _with_body(
        self, environ: dict[str, Any], protocol: Any, length: int, caller: str
    ) -> Answer | None:
        with (
            self.held.share(caller) as share,
            await read_body(protocol, length=length, share=share) as body,
        ):
            environ["wsgi.input"] = body
            return await self._answered(environ, protocol, caller)

    def _alive(self, protocol: Any) -> None:
        """Respond to /healthz: 200 unless all threads are stuck."""
        stuck = self.threads.stuck(self.stuck_s_max)
        status, text = (503, "stuck\n") if stuck else (200, "ok\n")
        protocol.response_str(
            status, [("content-type", "text/plain"), ("cache-control", "no-store"), SERVER], text
        )

    async def _answered(self, environ: dict[str, Any], protocol: Any, caller: str) -> Answer | None:
        """Have a thread answer. Return a large answer, which is still to be sent."""
        if self.threads.full:
            raise Unavailable(
                "The server is overloaded. Nothing was changed. Try again shortly.",
                code="server_busy",
                retry_after_s=1,
            )
        answer = Answer(self.answers, caller)
        if not await self.threads.enter(partial(self._answer, answer, environ, protocol)):
            raise Unavailable(
                "The server could not start this request in time. Nothing was changed. "
                "Try again shortly.",
                code="server_busy",
                retry_after_s=2,
            )
        return None if answer.is_small else answer

    def _answer(self, answer: Answer, environ: dict[str, Any], protocol: Any) -> None:
        """Call Django and send its response if it is small. Runs in a thread."""
        try:
            fill(answer, handler=self.handler, environ=environ)
        except Exception as error:
            answer.close()
            answer.size = 0
            _send(protocol, environ["PATH_INFO"], _failure(error), request_id=_id_of(answer))
            return
        answer.headers.append(SERVER)
        if answer.is_small:
            protocol.response_bytes(answer.status, answer.headers, answer.content)


def _failure(error: Exception) -> BallastError:
    """Return the refusal to send for a response that failed; Django handles its own errors."""
    if isinstance(error, BallastError):
        metrics.REFUSED_EARLY.labels(error.code).inc()
        return error
    logger.error("a response could not be built", exc_info=error)
    if isinstance(error, OSError):
        return Unavailable(
            "The server cannot store the response. Try again shortly.",
            code="storage_unavailable",
            retry_after_s=5,
        )
    return InternalError("An error occurred on our side. Send the request id to the operator.")


def _id_of(answer: Answer) -> str:
    """Return the request id Django has logged, or a new one."""
    names = {name.lower(): value for name, value in answer.headers}
    return names.get("x-request-id") or secrets.token_hex(16)


async def _send_large(answer: Answer, protocol: Any) -> None:
    """Send an answer that its client takes in pieces, and release it in every case."""
    try:
        await answer.send(protocol)
    except (BrokenPipeError, TimeoutError) as error:
        logger.info("a client left or stopped reading before it had the whole response: %r", error)
    finally:
        answer.close()


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
        # Long names are many and rare: the cache keeps only the usual ones.
        key = _cached_key(name) if len(name) <= CACHED_NAME_LENGTH_MAX else environ_key(name)
        if key is None:
            continue
        if key in environ:
            environ[key] += f"; {value}" if key == "HTTP_COOKIE" else f",{value}"
        else:
            environ[key] = value
    return environ


def environ_key(name: str) -> str | None:
    """Return a header's WSGI name; None for one with an underscore, which could spoof another."""
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


_cached_key = lru_cache(maxsize=1024)(environ_key)


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
        path=path_logged(scope.path),
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
