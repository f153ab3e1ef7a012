"""Benchmark of trades: 50,000 a second for as long as asked, and the web's latency meanwhile.

INGEST_SECONDS (60) and INGEST_PER_SECOND (50,000) may be set. Trades are spread over 5,000 assets
and drawn beforehand; one in a thousand comes twice and one in a thousand a second late. A batch is
due each second, whatever the last one took: `behind_s` is how late the last batch was done.
"""

import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone

from bench import web
from bench.scale import seed
from marketdata.models import Asset, AssetClass
from marketdata.operations import ensure_partitions, record_ticks
from marketdata.ticks import PRICE_UNIT, Ticks

TARGETS = {"per_second_min": 50_000, "behind_s_max": 2, "web_p95_times_max": 2}
ASSETS = 5_000
WEB_PER_S = 40
_SHARE_AGAIN = 0.001
_UNTHROTTLED = 8
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def run() -> dict[str, Any]:
    """Return points a second, milliseconds a batch, what bounds it, and the web's p95."""
    seconds = int(os.environ.get("INGEST_SECONDS", "60"))
    per_second = int(os.environ.get("INGEST_PER_SECOND", "50000"))
    now = timezone.now()
    ensure_partitions(as_of=now.date())
    ids = _assets(f"T{int(now.timestamp())}")
    seeded = seed(accounts=50, holdings=100, tag=f"ingest{int(now.timestamp())}", now=now)
    pages = [
        web.get(f"/api/v1/portfolios/{account}/holdings", bearer)
        for (_, _, account), bearer in zip(seeded.members, web.tokens(seeded.members), strict=True)
    ]
    feed = _Feed(ids, per_second)
    with web.server(workers=1, threads=2) as port, ThreadPoolExecutor(1) as beside:

        def load(length_s: int) -> dict[str, Any]:
            return web.loaded(
                port=port,
                requests=pages,
                total=WEB_PER_S * length_s,
                connections=8,
                rate=WEB_PER_S,
            )

        load(5)
        alone = load(min(seconds, 20))
        loading = beside.submit(load, seconds)
        figures = _sustained(feed, seconds)
        meanwhile = loading.result()
    figures["web"] = {
        "alone_p95_ms": alone["p95_ms"],
        "meanwhile_p95_ms": meanwhile["p95_ms"],
        "times": round(meanwhile["p95_ms"] / alone["p95_ms"], 2),
    }
    figures["unthrottled_per_second"] = _unthrottled(feed)
    return {"targets": TARGETS, "assets": ASSETS, "seconds": seconds, **figures}


def _sustained(feed: "_Feed", seconds: int) -> dict[str, Any]:
    batches = [feed.batch() for _ in range(4)]
    took_ms: list[float] = []
    points = new = 0
    process_s, backend_s = time.process_time(), _backend_s()
    start = time.perf_counter()
    for number in range(seconds):
        time.sleep(max(0.0, start + number - time.perf_counter()))
        given = feed.moved(batches[number % len(batches)], now=timezone.now())
        began = time.perf_counter()
        found = record_ticks(reports=given, source="bench", now=timezone.now())
        took_ms.append((time.perf_counter() - began) * 1000)
        points += len(given)
        new += found.new
        if found.refused:
            raise AssertionError(f"refused {found.refused}")
    took_s = time.perf_counter() - start
    stored = feed.stored()
    if stored != feed.before + new:
        raise AssertionError(f"{new} trades are new, {stored - feed.before} were stored")
    return {
        "points": points,
        "new_trades": new,
        "per_second": round(points / max(took_s, seconds)),
        "behind_s": round(max(0.0, took_s - seconds), 2),
        "batch_ms": _quantiles(took_ms),
        "cores_busy": {
            "writer": round((time.process_time() - process_s) / took_s, 2),
            "its_database_process": round((_backend_s() - backend_s) / took_s, 2),
        },
        "bytes_per_trade": round(feed.bytes() / max(stored, 1)),
    }


def _unthrottled(feed: "_Feed") -> int:
    """Return the points a second of one writer that never waits: the bound of this machine.

    Each batch is later than the one before; instants may be five seconds ahead.
    """
    now = timezone.now()
    given = [
        feed.moved(feed.batch(), now=now, shift_us=(number + 3) * 1_000_000)
        for number in range(_UNTHROTTLED)
    ]
    start = time.perf_counter()
    for batch in given:
        record_ticks(reports=batch, source="bench", now=now + timedelta(seconds=_UNTHROTTLED))
    return round(sum(map(len, given)) / (time.perf_counter() - start))


class _Feed:
    """Trades of a second at a time, each with a number of its own."""

    def __init__(self, ids: Sequence[int], per_second: int) -> None:
        self.ids, self.per_second = np.array(ids, np.int64), per_second
        self.rng = np.random.default_rng(7)
        self.number = 0
        self.before = self.stored()

    def batch(self) -> Ticks:
        """Return trades whose instants are offsets within a second, drawn beforehand."""
        count = self.per_second
        cents = 10_000 + self.rng.integers(-200, 200, count)
        return Ticks(
            asset_id=self.ids[self.rng.integers(0, len(self.ids), count)],
            at=np.sort(self.rng.integers(0, 1_000_000, count)),
            number=np.arange(count),
            price=cents * (PRICE_UNIT // 100),
            size=self.rng.integers(1, 500, count),
        )

    def moved(self, drawn: Ticks, *, now: datetime, shift_us: int = 0) -> Ticks:
        """Return the trades as those of the last second, some of them twice and some late."""
        begin = int(now.timestamp() * 1_000_000) - 1_000_000 + shift_us
        late = int(len(drawn) * _SHARE_AGAIN)
        at = drawn.at + begin
        at[:late] -= 1_000_000
        given = Ticks(drawn.asset_id, at, drawn.number + self.number, drawn.price, drawn.size)
        self.number += len(drawn)
        again = self.rng.integers(0, len(drawn), late)
        return given.where(np.concatenate([np.arange(len(drawn)), again]))

    def stored(self) -> int:
        return _one("SELECT count(*) FROM marketdata_tick")

    def bytes(self) -> int:
        return _one(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
            "WHERE inhparent = 'marketdata_tick'::regclass"
        )


def _assets(tag: str) -> list[int]:
    made = Asset.objects.bulk_create(
        [
            Asset(
                symbol=f"{tag}N{number}",
                name=f"Bench {number}",
                asset_class=AssetClass.EQUITY,
                currency="USD",
            )
            for number in range(ASSETS)
        ]
    )
    return [asset.pk for asset in made]


def _backend_s() -> float:
    """Return the processor time of this connection's process in the server, in seconds."""
    fields = Path(f"/proc/{_one('SELECT pg_backend_pid()')}/stat").read_text().rsplit(")", 1)[1]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / _CLOCK_TICKS


def _one(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def _quantiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 1),
        "p95": round(cuts[94], 1),
        "p99": round(cuts[98], 1),
        "max": round(max(values), 1),
    }
