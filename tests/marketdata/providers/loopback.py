"""A real HTTP server on 127.0.0.1 that answers well, badly or never. It runs in an event loop.

It speaks HTTP by hand, because no library answers as badly as a vendor can.
"""

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qsl, unquote, urlsplit

RIGHT = "right"
# What a server can do instead of answering. A market's lies come on top.
BEHAVIOURS = (
    *("slow", "trickle", "silent", "huge", "gzip_bomb", "truncated", "reset", "dead"),
    *("redirect_same", "redirect_other", "redirect_endless"),
    *("400", "401", "402", "403", "404", "422", "429", "500", "503", "other_json", "html"),
)
RETRY_AFTER_S = 30
SLOW_S = 1.0
_TRICKLE_S = 0.1
_HUGE_PART = b" " * 65_536


@dataclass(frozen=True)
class Request:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    location: str = ""


def json_answer(value: object, status: int = 200) -> Answer:
    """Return an answer in JSON; Decimals become numbers, and NaN the word that JSON lacks."""
    return Answer(status, json.dumps(value, default=float).encode())


@dataclass
class Crowd:
    """How many of something there are now, and were at most."""

    now: int = 0
    most: int = 0

    def enter(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def leave(self) -> None:
        self.now -= 1


@dataclass
class HttpServer:
    """A server and its record. `answered` computes the right answer to a request."""

    answered: Callable[[Request], Answer]
    # Shared by the servers of a test.
    all_connections: Crowd = field(default_factory=Crowd)
    all_requests: Crowd = field(default_factory=Crowd)
    port: int = 0
    behaviour: str = RIGHT
    # How many more requests meet the behaviour; None: all.
    times: int | None = None
    slow_s: float = SLOW_S
    requests: list[Request] = field(default_factory=list)
    connections: Crowd = field(default_factory=Crowd)
    _server: asyncio.Server | None = None
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and break off every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        crowds = (self.connections, self.all_connections)
        for crowd in crowds:
            crowd.enter()
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                self.all_requests.enter()
                try:
                    stays_open = await self._respond(request, writer)
                finally:
                    self.all_requests.leave()
                if not stays_open:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client gave up, or the test is over: both are what is tried here
        finally:
            self._tasks.discard(task)
            for crowd in crowds:
                crowd.leave()
            writer.close()

    def _current(self) -> str:
        if self.times is not None:
            if self.times == 0:
                self.behaviour, self.times = RIGHT, None
            else:
                self.times -= 1
        return self.behaviour

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; return whether the connection stays open."""
        behaviour = self._current()
        if behaviour == "silent":
            await asyncio.Event().wait()
        if behaviour == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        if behaviour == "slow":
            await asyncio.sleep(self.slow_s)
        if behaviour in _ODD:
            await _ODD[behaviour](writer, self.answered(request).body)
            return False
        if behaviour.startswith("redirect") and "redirected" not in request.query:
            await _send(writer, 302, b"", location=self._location(behaviour, request))
            return True
        if behaviour == "redirect_endless":
            await _send(writer, 302, b"", location=self._location(behaviour, request))
            return True
        answer = _instead(behaviour) or self.answered(request)
        headers = {"content_type": answer.content_type}
        if answer.status == 429:
            headers["retry_after"] = str(RETRY_AFTER_S)
        if answer.location:
            headers["location"] = answer.location
        await _send(writer, answer.status, answer.body, **headers)
        return True

    def _location(self, behaviour: str, request: Request) -> str:
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        # The other name of this machine is another host.
        host = f"http://localhost:{self.port}" if behaviour == "redirect_other" else ""
        return f"{host}{request.path}?{query}&redirected=1"


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """Return the next request of a connection, or None if the client closed it."""
    first = await reader.readline()
    if not first:
        return None
    target = urlsplit(first.split()[1].decode())
    headers = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(unquote(target.path), dict(parse_qsl(target.query)), headers)


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, **headers: str) -> None:
    lines = [f"HTTP/1.1 {status} .", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


async def _trickle(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(f"HTTP/1.1 200 .\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    for byte in body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(_TRICKLE_S)


async def _huge(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 .\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"%x\r\n" % len(_HUGE_PART) + _HUGE_PART + b"\r\n")
        await writer.drain()


async def _gzip_bomb(writer: asyncio.StreamWriter, body: bytes) -> None:
    packed = _bomb()
    head = f"HTTP/1.1 200 .\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    writer.write(head.encode() + packed)
    await writer.drain()


@cache
def _bomb() -> bytes:
    """Return 200 MB of spaces in 200 kB."""
    packing = zlib.compressobj(level=1, wbits=31)
    return b"".join(packing.compress(b" " * 1_000_000) for _ in range(200)) + packing.flush()


async def _truncated(writer: asyncio.StreamWriter, body: bytes) -> None:
    head = f"HTTP/1.1 200 .\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    writer.write(head + body[: len(body) // 2])
    await writer.drain()


_ODD = {"trickle": _trickle, "huge": _huge, "gzip_bomb": _gzip_bomb, "truncated": _truncated}


def _instead(behaviour: str) -> Answer | None:
    if behaviour.isdecimal():
        return Answer(int(behaviour), b'{"detail": "refused"}')
    if behaviour == "other_json":
        return Answer(200, b'{"weather": [{"town": "Reykjavik", "degrees": 4}]}')
    if behaviour == "html":
        return Answer(200, b"<!doctype html><title>Maintenance</title>", "text/html")
    return None
