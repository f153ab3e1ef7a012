"""Benchmark of price history over three tiers, beside one table without partitions.

HISTORY_ASSETS (5,000) securities have ten years of daily bars; ten of them minutes of a year. The
years are archived as the schedule does it: five cold (Parquet in a local folder), three warm,
two hot. WARM_DATABASE_URL names the second PostgreSQL; without it another database of the same
server is used, which the answer says.
"""

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection, connections
from django.utils import timezone

from marketdata.bars import FIELDS, Bars, Interval
from marketdata.models import Asset, AssetClass, PriceBlock, PricePartition
from marketdata.operations import archive_prices, ensure_partitions
from marketdata.partitions import DAILY, MINUTES, Partition, partitions_between
from marketdata.queries import bars
from stores.arrays import records_of
from stores.database import long_statements
from stores.sent_arrays import sent_ints

TARGETS = {
    "hot_year_of_days_p95_ms_max": 5,
    "ten_years_of_days_p95_ms_max": 60,
    "year_of_hours_p95_ms_max": 40,
    "cold_bytes_to_table_bytes_max": 0.1,
}
YEARS = 10
MINUTE_ASSETS = 10
_RUNS = 100
_ALONE = {DAILY: "bench_daily", MINUTES: "bench_minute"}

_DAYS = """
INSERT INTO {table} (asset_id, date, open, high, low, close, volume)
SELECT asset, day, base, base * 1.012 + 0.01, base * 0.988, base + move, 1000 + (n * 7919) %% 900000
  FROM unnest(%(ids)s::bigint[]) asset,
       generate_series(%(first)s::date, %(last)s::date, '1 day') WITH ORDINALITY AS days(day, n),
       LATERAL (SELECT round((40 + asset %% 60 + 15 * sin(n / 40.0 + asset)
                              + 2 * random())::numeric, 2) AS base,
                       round((random() - 0.5)::numeric, 2) AS move) drawn
 WHERE extract(isodow FROM day) < 6
 ORDER BY {order}
"""
_MINUTES = """
INSERT INTO {table} (asset_id, at, open, high, low, close, volume)
SELECT asset, day + interval '14 hours 30 minutes' + n * interval '1 minute',
       base, base + 5000000, base - 5000000, base + move, 100 + (n * 7919) %% 5000
  FROM unnest(%(ids)s::bigint[]) asset,
       generate_series(%(first)s::timestamptz, %(last)s::timestamptz, '1 day') day,
       generate_series(0, 389) n,
       LATERAL (SELECT (9000 + (random() * 500)::int) * 1000000::bigint AS base,
                       ((random() * 8)::int - 4) * 1000000::bigint AS move) drawn
 WHERE extract(isodow FROM day) < 6
 ORDER BY {order}
"""
# In the order in which prices arrive, which is that of a table that nothing writes again.
_COPY = """
INSERT INTO {table} SELECT * FROM {source} WHERE asset_id = ANY(%(ids)s) ORDER BY {order}, asset_id
"""
_ROWS = """
SELECT asset_id, date, (open * 100000000)::bigint, (high * 100000000)::bigint,
       (low * 100000000)::bigint, (close * 100000000)::bigint, volume
  FROM bench_daily WHERE asset_id = ANY(%(ids)s) AND date >= %(since)s AND date <= %(until)s
 ORDER BY asset_id, date
"""
_HOURS = """
SELECT asset_id, date_bin('1 hour', at, '2000-01-01 00:00:00+00'),
       (array_agg(open ORDER BY at))[1], max(high), min(low),
       (array_agg(close ORDER BY at DESC))[1], sum(volume)::bigint
  FROM bench_minute WHERE asset_id = ANY(%(ids)s) AND at >= %(since)s AND at <= %(until)s
 GROUP BY 1, 2 ORDER BY 1, 2
"""


def run() -> dict[str, Any]:
    """Return milliseconds of questions of a day to ten years, and the bytes of each tier."""
    now = timezone.now()
    count = int(os.environ.get("HISTORY_ASSETS", "5000"))
    server = _warm_database()
    with long_statements(seconds=3600), connection.cursor() as cursor:
        until = now.date() - timedelta(days=1)
        years = partitions_between(DAILY, date(until.year - YEARS + 1, 1, 1), until)
        ids = _assets(count, f"H{int(now.timestamp())}")
        ensure_partitions(as_of=now.date())
        months = _fill(cursor, ids, years, until)
    _vacuum([*years, *months])
    sizes = {one.name: _bytes(one.name) for one in years}
    began = time.perf_counter()
    moved = list(archive_prices(as_of=now.date(), now=now))
    took_s = time.perf_counter() - began
    failed = [one for one in moved if one.outcome != "moved"]
    if failed:
        raise AssertionError(f"not moved: {failed}")
    cold = PricePartition.objects.filter(name__in=list(sizes), tier="cold")
    cold_bytes = sum(
        PriceBlock.objects.filter(partition__in=cold).values_list("byte_count", flat=True)
    )
    cold_table = sum(sizes[one.name] for one in cold)
    return {
        "targets": TARGETS,
        "assets": count,
        "daily_rows": sum(one.rows or 0 for one in moved) + _counted(years),
        "warm_server": server,
        "archived_rows": sum(one.rows or 0 for one in moved),
        "archived_rows_per_second": round(sum(one.rows or 0 for one in moved) / took_s),
        "cold_bytes": cold_bytes,
        "table_bytes_of_these_years": cold_table,
        "cold_bytes_to_table_bytes": round(cold_bytes / cold_table, 3),
        "milliseconds": _questions(ids, until),
    }


def _questions(ids: list[int], until: date) -> dict[str, Any]:
    draw = random.Random(11)
    year, decade = until - timedelta(days=364), until - timedelta(days=YEARS * 365)
    minute_ids = ids[:MINUTE_ASSETS]

    def asked(some: list[int], since: date, interval: Interval, many: int = 1) -> Bars:
        found = bars(asset_ids=draw.sample(some, many), since=since, until=until, interval=interval)
        if found.gaps or not len(found.rows):
            raise AssertionError(f"{interval} since {since}: {found.gaps}")
        return found

    day, hour, minute = Interval.DAY, Interval.HOUR, Interval.MINUTE
    week = until - timedelta(days=6)
    tiers = [part.tier for part in asked(ids, decade, day).parts]
    if sorted(set(tiers)) != ["cold", "hot", "warm"]:
        raise AssertionError(f"ten years are in {tiers}")
    return {
        "a_week_of_days": _timed(lambda: asked(ids, week, day)),
        "hot_year_of_days": _timed(lambda: asked(ids, year, day)),
        "hot_year_of_days_in_one_table": _timed(lambda: _alone(draw, ids, year, until)),
        "hot_year_of_days_of_100": _timed(lambda: asked(ids, year, day, 100), runs=20),
        "ten_years_of_days": _timed(lambda: asked(ids, decade, day)),
        "ten_years_of_days_in_one_table": _timed(lambda: _alone(draw, ids, decade, until)),
        "a_week_of_minutes": _timed(lambda: asked(minute_ids, week, minute)),
        "year_of_minutes": _timed(lambda: asked(minute_ids, year, minute), runs=20),
        "year_of_hours": _timed(lambda: asked(minute_ids, year, hour), runs=40),
        "year_of_hours_in_one_table": _timed(
            lambda: _alone(draw, minute_ids, year, until, _HOURS, "timestamptz"), runs=20
        ),
    }


def _alone(
    draw: random.Random,
    ids: list[int],
    since: date,
    until: date,
    query: str = _ROWS,
    kind: str = "date",
) -> None:
    rows = records_of(
        query=query,
        values={
            "ids": sent_ints(np.array(draw.sample(ids, 1), np.int64)),
            "since": since,
            "until": until,
        },
        fields=dict.fromkeys(FIELDS, "int8") | {"at": kind},
    )
    if not len(rows):
        raise AssertionError("the table without partitions has no rows")


def _timed(ask: Callable[[], object], *, runs: int = _RUNS) -> dict[str, float]:
    for _ in range(max(runs // 10, 3)):
        ask()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "p99": round(cuts[98], 2)}


def _fill(
    cursor: Any, ids: list[int], years: Sequence[Partition], until: date
) -> Sequence[Partition]:
    """Fill the partitions as they are after a while: days by day, finished months by asset."""
    for name, table in ((DAILY, _ALONE[DAILY]), (MINUTES, _ALONE[MINUTES])):
        cursor.execute(
            f"DROP TABLE IF EXISTS {table}; "
            f"CREATE TABLE {table} (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
    for one in years:
        span = {"ids": ids, "first": one.first, "last": min(one.end - timedelta(days=1), until)}
        cursor.execute(_DAYS.format(table=one.name, order="day, asset"), span)
        cursor.execute(_COPY.format(table=_ALONE[DAILY], source=one.name, order="date"), span)
    months = partitions_between(MINUTES, until - timedelta(days=364), until)
    for one in months:
        span = {
            "ids": ids[:MINUTE_ASSETS],
            "first": one.first,
            "last": min(one.end - timedelta(days=1), until),
        }
        order = "asset, day, n" if one.end <= until else "day, n, asset"
        cursor.execute(_MINUTES.format(table=one.name, order=order), span)
        cursor.execute(_COPY.format(table=_ALONE[MINUTES], source=one.name, order="at"), span)
    for table, column in ((_ALONE[DAILY], "date"), (_ALONE[MINUTES], "at")):
        cursor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (asset_id, {column})")
    return months


def _vacuum(partitions: Sequence[Partition]) -> None:
    patient: Any = connection
    with patient.patience(3600), connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in (*(one.name for one in partitions), *_ALONE.values()):
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("RESET statement_timeout")


def _bytes(table: str) -> int:
    return _one(f"SELECT pg_total_relation_size('{table}')")


def _counted(years: Sequence[Partition]) -> int:
    return sum(_one(f"SELECT count(*) FROM {one.name}") for one in years)


def _one(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def _assets(count: int, tag: str) -> list[int]:
    made = Asset.objects.bulk_create(
        [
            Asset(
                symbol=f"{tag}N{number}",
                name=f"Bench {number}",
                asset_class=AssetClass.EQUITY,
                currency="USD",
            )
            for number in range(count)
        ]
    )
    return [asset.pk for asset in made]


def _warm_database() -> str:
    """Make sure that there is a warm alias; return where it is."""
    if "warm" in connections.settings:
        return "second server"
    name = f"{connection.settings_dict['NAME']}_warm"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name}")
    connections.settings["warm"] = {**connections.settings["default"], "NAME": name}
    return "another database of the same server"
