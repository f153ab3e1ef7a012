"""A load generator in its own process: raw keep-alive sockets, closed loop or fixed rate.

closed   each connection sends its next request after the answer; measures the server's capacity
fixed    requests start at set times whatever the server does; latency counts from the intended
         start; measures what users feel at that load
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Requests per second, latencies in milliseconds from the intended start, and errors."""

    requests: int
    seconds: float
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    errors: int


async def _connection(
    port: int,
    requests: list[bytes],
    cursor: "Cursor",
    latencies: list[float],
    failures: list[str],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
    while (turn := cursor.next()) is not None:
        number, due = turn
        if due is not None:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        started = due if due is not None else time.perf_counter()
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 : lower.find(b"\r", at)]) if at >= 0 else 0
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
        if b" 200 " not in head[:20]:
            failures.append(head[:40].decode(errors="replace"))
    writer.close()


class Cursor:
    """Hand out request numbers, and start times if the rate is fixed."""

    def __init__(self, *, total: int, rate: float | None) -> None:
        self.total, self.rate, self.given = total, rate, 0
        self.start = time.perf_counter() + 0.2

    def next(self) -> tuple[int, float | None] | None:
        if self.given >= self.total:
            return None
        number = self.given
        self.given += 1
        return number, self.start + number / self.rate if self.rate else None


async def _run(
    port: int, requests: list[bytes], total: int, connections: int, rate: float | None
) -> Outcome:
    cursor = Cursor(total=total, rate=rate)
    latencies: list[float] = []
    failures: list[str] = []
    start = time.perf_counter()
    await asyncio.gather(
        *(_connection(port, requests, cursor, latencies, failures) for _ in range(connections))
    )
    seconds = time.perf_counter() - start
    ordered = sorted(latencies)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)

    return Outcome(
        requests=len(ordered),
        seconds=round(seconds, 2),
        per_second=round(len(ordered) / seconds, 1),
        p50_ms=at(0.50),
        p95_ms=at(0.95),
        p99_ms=at(0.99),
        max_ms=at(1.0),
        errors=len(failures),
    )


def main() -> None:
    """Read {port, requests, total, connections, rate} from stdin; write the outcome to stdout."""
    job = json.load(sys.stdin)
    outcome = asyncio.run(
        _run(
            job["port"],
            [text.encode() for text in job["requests"]],
            job["total"],
            job["connections"],
            job.get("rate"),
        )
    )
    sys.stdout.write(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
