"""Latency of a price from publication to clients, over real sockets.

`measured` starts stream processes, and one process that holds all the clients, then publishes
a quote of every symbol each second, as marketdata does, and reads what the clients saw. Latency
runs from `as_of`, taken just before publishing, to the frame being read by the client process,
so it includes that process's own queue. Every move is below 0.1 %: nothing but regular batches.

This is the worst case: all symbols change at once, and every client is due an update.

A Redis that a live stream process listens to is refused: its clients would get invented quotes.
"""

import asyncio
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import redis

from identity.socket_rights import Right
from stores import keys
from stream.protocol import SYMBOLS_PER_CLIENT_MAX

TARGET_MS = 100.0
START_S_MAX = 60.0
OPENING_AT_ONCE = 100
PACKAGES = ("channels", "channels-redis", "msgspec", "redis", "uvicorn", "uvloop", "websockets")


def measured(
    *,
    redis_url: str,
    rights: Sequence[Right],
    symbols: int = 500,
    watched: int = 20,
    seconds: int = 10,
    processes: int = 1,
) -> dict[str, Any]:
    """Return latencies in ms, frames seen and expected, CPU and versions: one socket per right."""
    sockets = len(rights)
    if not 0 < watched <= min(symbols, SYMBOLS_PER_CLIENT_MAX):
        raise ValueError("a client watches between 1 and all symbols, at most 1000")
    client: Any = redis.Redis.from_url(redis_url)
    if dict(client.pubsub_numsub(keys.QUOTES))[keys.QUOTES.encode()]:
        raise ValueError("another stream process uses this Redis. Stop it first.")
    names = [f"BENCH{number:04d}" for number in range(symbols)]
    tokens = [secrets.token_urlsafe(16) for _ in range(sockets)]
    with ExitStack() as ends:
        ends.callback(client.delete, *[keys.ticket(token) for token in tokens])
        ends.callback(client.hdel, keys.QUOTES, *names)
        _publish(client, names, 0)
        _write_tickets(client, tokens, rights)
        ports = [_free_port() for _ in range(processes)]
        servers = [_started(ends, _server(port), redis_url, sockets) for port in ports]
        for port in ports:
            _wait_until_ready(port)
        holder = _started(ends, [sys.executable, "-m", "bench.stream"], redis_url, sockets)
        job = {"ports": ports, "tokens": tokens, "names": names, "watched": watched}
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(json.dumps(job).encode() + b"\n")
        holder.stdin.flush()
        opened = json.loads(holder.stdout.readline())
        cpu_before = [_cpu_s(process.pid) for process in (*servers, holder)]
        began = time.monotonic()
        for tick in range(1, seconds + 1):
            time.sleep(max(0.0, began + tick - time.monotonic()))
            _publish(client, names, tick)
        time.sleep(1.5)
        spent_s = time.monotonic() - began
        cpu = [
            (_cpu_s(process.pid) - before) / spent_s
            for process, before in zip((*servers, holder), cpu_before, strict=True)
        ]
        holder.stdin.write(b"end\n")
        holder.stdin.flush()
        latencies = sorted(json.loads(holder.stdout.readline()))
    return {
        "benchmark": "stream",
        "sockets": opened["ready"],
        "symbols": symbols,
        "watched_per_socket": watched,
        "seconds": seconds,
        "stream_processes": processes,
        "frames": len(latencies),
        "frames_expected": sockets * seconds,
        "latency_ms": _quantiles(latencies),
        "target_ms": {"p99": TARGET_MS},
        "cpu_cores_used": {
            "stream": [round(share, 3) for share in cpu[:-1]],
            "clients": round(cpu[-1], 3),
        },
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "redis-server": client.info("server")["redis_version"],
            **{name: version(name) for name in PACKAGES},
        },
    }


def _publish(client: Any, names: Sequence[str], tick: int) -> None:
    price = f"{100 + (tick % 2) * 0.05:.2f}"
    as_of = datetime.now(UTC).isoformat(timespec="microseconds")
    quotes = [
        {"symbol": name, "price": price, "as_of": as_of, "fresh_until": None} for name in names
    ]
    with client.pipeline(transaction=True) as pipeline:
        pipeline.hset(keys.QUOTES, mapping={quote["symbol"]: json.dumps(quote) for quote in quotes})
        pipeline.publish(keys.QUOTES, json.dumps(quotes))
        pipeline.execute()


def _write_tickets(client: Any, tokens: Sequence[str], rights: Sequence[Right]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for token, right in zip(tokens, rights, strict=True):
            ticket = {**right._asdict(), "household_ids": [right.user_id], "tier": "standard"}
            pipeline.set(keys.ticket(token), json.dumps(ticket), ex=600)
        pipeline.execute()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server(port: int) -> list[str]:
    return [sys.executable, "-m", "stream.server", "--port", str(port)]


def _started(
    ends: ExitStack, command: list[str], redis_url: str, sockets: int
) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "STREAM_ALLOW_NO_ORIGIN": "1",
        "STREAM_CONNECTIONS_PER_ADDRESS_MAX": str(sockets),
        "STREAM_DRAIN_S": "0",
    }
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def end() -> None:
        process.terminate()
        try:
            process.wait(timeout=START_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    ends.callback(end)
    return process


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError("the stream process did not become ready")


def _cpu_s(pid: int) -> float:
    """Return user and system time of a process so far; 0 without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _quantiles(latencies_ms: Sequence[float]) -> dict[str, float]:
    if not latencies_ms:
        return {}
    last = len(latencies_ms) - 1
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(latencies_ms[round(share * last)], 2) for name, share in shares.items()}


# The process that holds the clients


class _Socket(asyncio.Protocol):
    """A minimal WebSocket client; a library's client would add its own cost to the measurement."""

    def __init__(self, *, token: str, symbols: Sequence[str], latencies_ms: list[float]) -> None:
        self._token = token
        self._symbols = symbols
        self._latencies_ms = latencies_ms
        self._received = b""
        self._open = False
        self._transport: Any = None
        self.watching: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(
            b"GET /ws/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )

    def connection_lost(self, error: Exception | None) -> None:
        if not self.watching.done():
            self.watching.set_exception(ConnectionError(f"closed early: {self._received!r}"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._open:
            head, end, self._received = self._received.partition(b"\r\n\r\n")
            if not end:
                self._received = head
                return
            self._open = True
            self._say({"type": "auth", "ticket": self._token})
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == 9:
                self._transport.write(bytes([0x8A, 0x80 | len(payload)]) + bytes(4) + payload)
            elif opcode == 1:
                self._hear(payload)

    def _next_frame(self) -> tuple[int, bytes] | None:
        received = self._received
        if len(received) < 2:
            return None
        length, start = received[1], 2
        if length == 126:
            length, start = int.from_bytes(received[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(received[2:10], "big"), 10
        if len(received) < start + length:
            return None
        self._received = received[start + length :]
        return received[0] & 15, received[start : start + length]

    def _hear(self, payload: bytes) -> None:
        if payload.startswith(b'{"type":"price_batch"'):
            if not self.watching.done():
                self.watching.set_result(None)  # the snapshot
                return
            start = payload.index(b'"as_of":"') + 9
            as_of = datetime.fromisoformat(payload[start : payload.index(b'"', start)].decode())
            self._latencies_ms.append((time.time() - as_of.timestamp()) * 1000)
        elif payload.startswith(b'{"type":"ready"'):
            self._say({"type": "subscribe", "symbols": self._symbols})

    def _say(self, message: dict[str, object]) -> None:
        payload = json.dumps(message).encode()
        header = b"\x81\xfe" + len(payload).to_bytes(2, "big")
        self._transport.write(header + bytes(4) + payload)  # masked with zeros


async def _hold(job: dict[str, Any]) -> None:
    """Open every socket, report it, and return the latencies when told to end."""
    loop = asyncio.get_running_loop()
    latencies_ms: list[float] = []
    names, watched, tokens = job["names"], job["watched"], job["tokens"]
    for start in range(0, len(tokens), OPENING_AT_ONCE):
        opening = []
        for number in range(start, min(start + OPENING_AT_ONCE, len(tokens))):
            symbols = [names[(number * 7 + k) % len(names)] for k in range(watched)]
            port = job["ports"][number % len(job["ports"])]

            def make(token: str = tokens[number], symbols: list[str] = symbols) -> _Socket:
                return _Socket(token=token, symbols=symbols, latencies_ms=latencies_ms)

            _, made = await loop.create_connection(make, "127.0.0.1", port)
            opening.append(made.watching)
        await asyncio.gather(*opening)
    sys.stdout.write(json.dumps({"ready": len(tokens)}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    sys.stdout.write(json.dumps(latencies_ms) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    from stream.server import raise_file_limit

    raise_file_limit()
    import uvloop

    uvloop.run(_hold(json.loads(sys.stdin.readline())))
