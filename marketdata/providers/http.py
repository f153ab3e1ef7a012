"""Requests to vendors and brokers: bounded in time, size, connections and redirects.

    time         3 s to connect, 5 s in all (longer where a call asks for years of history), from
                 the first byte of the request to the last byte of the answer: a vendor that
                 trickles is cut off too
    size         an answer longer than its bound is dropped while it arrives
    connections  50 of a process, 10 to a host
    redirects    at most two, to the same host and scheme
    retries      one, after 0.1 to 0.4 s and inside the same 5 s, where no answer arrived at all or
                 the status was 502, 503 or 504. Only a GET is sent again: what changes something
                 at the other side may have arrived, and its sender must look first

The requests run in an event loop on a thread of their own, because only a loop can end a request
that hangs anywhere, in a name lookup as in a body. Each process has one, made at its first request.
Errors name the vendor and the path, never the query: it may hold a key.
"""

import asyncio
import logging
import os
import random
import threading
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cache

import httpx2

from marketdata.providers.port import Fault, ProviderFault

CONNECT_S_MAX = 3.0
TOTAL_S_MAX = 5.0
# Years of history of one security, or of all exchange rates.
BULK_S_MAX = 60.0
BYTES_MAX = 4_000_000
BULK_BYTES_MAX = 64_000_000
CONNECTIONS_MAX = 50
CONNECTIONS_PER_HOST_MAX = 10
REDIRECTS_MAX = 2
_RETRIED_STATUSES = frozenset({502, 503, 504})
_NO_ANSWER = (httpx2.ConnectError, httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
_USER_AGENT = "Ballast"
# They log whole addresses and headers, in which keys are.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)
# Beyond the loop's own limit, in case the loop itself is late.
_LOOP_LATE_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Get:
    """A request. `parameters` and `headers` may hold a key: they are in no message."""

    vendor: str
    base_url: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    total_s_max: float = TOTAL_S_MAX
    bytes_max: int = BYTES_MAX
    method: str = "GET"
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.vendor}{self.path}"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of any status."""

    status: int
    body: bytes


def bulk(request: Get) -> Get:
    """Return the same request with the bounds of a long history."""
    return replace(request, total_s_max=BULK_S_MAX, bytes_max=BULK_BYTES_MAX)


def fetched(request: Get) -> bytes:
    """Return the body of an answer with status 200; raise ProviderFault for anything else."""
    return _sent(request, whole=False).body


def answered(request: Get) -> Answered:
    """Return the answer whatever its status; raise ProviderFault if there is none.

    Then nobody knows whether the request arrived.
    """
    return _sent(request, whole=True)


def _sent(request: Get, *, whole: bool) -> Answered:
    requests = _requests(os.getpid())
    waiting = asyncio.run_coroutine_threadsafe(
        requests.within_time(request, whole=whole), requests.loop
    )
    try:
        return waiting.result(request.total_s_max + _LOOP_LATE_S_MAX)
    except WaitTimeout:
        waiting.cancel()
        raise ProviderFault(Fault.TIMEOUT, f"{request} was not answered in time") from None


class _Requests:
    """The event loop of a process and its connections."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="vendors", daemon=True).start()
        # Idle connections count too: the pool closes one where another host needs its place.
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_S_MAX),
            limits=httpx2.Limits(
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=CONNECTIONS_MAX,
                keepalive_expiry=30,
            ),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip"},
            trust_env=False,
        )
        self._of_host: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(CONNECTIONS_PER_HOST_MAX)
        )

    async def within_time(self, request: Get, *, whole: bool = False) -> Answered:
        try:
            url = _address(request)
            host = self._of_host[f"{url.scheme}://{url.netloc.decode()}"]
            async with asyncio.timeout(request.total_s_max), host:
                return await self._tried_twice(request, url, whole)
        except (TimeoutError, httpx2.TimeoutException):
            seconds = f"{request.total_s_max:g} s"
            raise ProviderFault(Fault.TIMEOUT, f"{request} was not answered in {seconds}") from None

    async def _tried_twice(self, request: Get, url: httpx2.URL, whole: bool) -> Answered:
        try:
            return await self._followed(request, url, whole)
        except _Again as again:
            if request.method != "GET":
                raise again.fault from None
            await asyncio.sleep(random.uniform(0.1, 0.4))
        try:
            return await self._followed(request, url, whole)
        except _Again as again:
            raise again.fault from None

    async def _followed(self, request: Get, url: httpx2.URL, whole: bool) -> Answered:
        for _ in range(REDIRECTS_MAX + 1):
            answer = await self._answered(request, url, whole)
            if isinstance(answer, Answered):
                return answer
            if (answer.scheme, answer.netloc) != (url.scheme, url.netloc):
                detail = f"{request} redirects to another host, {answer.host}"
                raise ProviderFault(Fault.REDIRECTED, detail)
            url = answer
        detail = f"{request} redirects more than {REDIRECTS_MAX} times"
        raise ProviderFault(Fault.REDIRECTED, detail)

    async def _answered(
        self, request: Get, url: httpx2.URL, whole: bool
    ) -> "Answered | httpx2.URL":
        """Return the answer, or the address that a redirect names. `whole`: of any status."""
        try:
            async with self._client.stream(
                request.method, url, headers=request.headers, content=request.body or None
            ) as response:
                if response.has_redirect_location and not whole:
                    return url.join(response.headers["location"])
                fault = None if whole else _fault_of(request, response)
                if fault is not None:
                    raise fault
                return Answered(response.status_code, await _body(request, response))
        except httpx2.TimeoutException:
            raise
        except httpx2.ConnectError as error:
            raise _Again(_unreachable(request, error)) from None
        except _NO_ANSWER as error:
            detail = f"{request} broke off its answer ({type(error).__name__})"
            raise _Again(ProviderFault(Fault.BROKEN_OFF, detail)) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise ProviderFault(Fault.UNREACHABLE, f"{request}: {type(error).__name__}") from None


class _Again(Exception):
    """Nothing arrived; the request may be sent once more."""

    def __init__(self, fault: ProviderFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@cache
def _requests(pid: int) -> _Requests:
    return _Requests()


def _address(request: Get) -> httpx2.URL:
    try:
        return httpx2.URL(request.base_url.rstrip("/") + request.path, params=request.parameters)
    except (httpx2.InvalidURL, UnicodeError) as error:
        detail = f"{request} has no valid address ({type(error).__name__})"
        raise ProviderFault(Fault.UNREACHABLE, detail) from None


async def _body(request: Get, response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async with aclosing(response.aiter_bytes()) as arriving:
        async for part in arriving:
            size += len(part)
            if size > request.bytes_max:
                detail = f"{request} answered with more than {request.bytes_max} bytes"
                raise ProviderFault(Fault.TOO_LARGE, detail)
            parts.append(part)
    return b"".join(parts)


def _unreachable(request: Get, error: Exception) -> ProviderFault:
    return ProviderFault(Fault.UNREACHABLE, f"{request} cannot be reached ({error})")


def _fault_of(request: Get, response: httpx2.Response) -> "ProviderFault | _Again | None":
    status = response.status_code
    if status == 200:
        return None
    said = f"{request} answered {status}"
    if status in {401, 403}:
        return ProviderFault(Fault.KEY_REFUSED, said)
    if status == 402:
        return ProviderFault(Fault.PAYMENT_REQUIRED, said)
    # The vendor understood and has nothing of this name; 400 and 422 are the same for a name that
    # it cannot even have.
    if status in {400, 404, 422}:
        return ProviderFault(Fault.NOT_FOUND, said)
    if status == 429:
        return ProviderFault(Fault.QUOTA_USED, said, retry_after_s=_retry_after_s(response))
    if status >= 500:
        fault = ProviderFault(Fault.SERVER_ERROR, said)
        return _Again(fault) if status in _RETRIED_STATUSES else fault
    return ProviderFault(Fault.FORMAT_CHANGED, said)


def _retry_after_s(response: httpx2.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
