"""Prices of many years, and a second PostgreSQL for the warm tier."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, connections

from embedded.places import places
from embedded.servers import servers
from marketdata.bars import Interval
from marketdata.models import DailyPrice
from marketdata.queries import bars

AS_OF = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
FIRST, LAST = date(2008, 1, 1), date(2026, 11, 20)


@contextmanager
def second_postgres(folder: Path) -> Iterator[str]:
    """Run another PostgreSQL and yield its address."""
    given = {"REDIS_URL": "redis://none", "BROKER_URL": "redis://none"}
    with servers(places(folder), given=given, lasting=False) as running:
        yield running.urls["DATABASE_URL"]


def use_warm(url: str) -> None:
    """Add the alias of the warm tier, as settings do if WARM_DATABASE_URL is set."""
    from config.environment import database

    entry = database(
        url,
        statement_timeout_ms=30_000,
        answer_timeout_ms=35_000,
        lock_timeout_ms=10_000,
        idle_in_transaction_timeout_ms=60_000,
        session_options=True,
        pool_size=0,
        pool_timeout_s=3,
        pool_waiting_max=8,
        conn_max_age_s=600,
    )
    connections.settings["warm"] = {
        **connections.settings["default"],
        **entry,
        "TEST": connections.settings["default"]["TEST"],
    }
    connections["warm"].connect()  # a test may open no other connection than the default one


def forget_warm() -> None:
    """Remove the alias and everything in its database."""
    connections["warm"].close()
    connections["warm"].connect()
    with connections["warm"].cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connections["warm"].close()
    del connections["warm"]
    del connections.settings["warm"]


def daily_prices(asset_ids: Sequence[int], *, first: date = FIRST, last: date = LAST) -> None:
    """Create a price for every seventh day, some without open, high, low and volume."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO marketdata_dailyprice (asset_id, date, open, high, low, close, volume)
            SELECT asset, day, CASE WHEN n %% 3 = 0 THEN NULL ELSE base END, base * 1.1, base * 0.9,
                   base + 0.00000001 * (n %% 7), CASE WHEN n %% 5 = 0 THEN NULL ELSE n * 1000 END
              FROM unnest(%(ids)s::bigint[]) asset
             CROSS JOIN LATERAL (
                   SELECT day::date, extract(epoch FROM day)::bigint / 86400 + asset AS n,
                          (10 + (extract(epoch FROM day)::bigint / 86400 + asset) %% 97)::numeric
                          AS base
                     FROM generate_series(%(first)s::date, %(last)s::date, '7 days') day) made
            """,
            {"ids": list(asset_ids), "first": first, "last": last},
        )


def minute_prices(asset_ids: Sequence[int], *, month: date, count: int = 600) -> None:
    """Create minute bars from 15:00 on the first ten days of a month."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO marketdata_minutebar (asset_id, at, open, high, low, close, volume)
            SELECT asset, %(month)s::date + (n / 60) * interval '1 day' + interval '15 hours'
                   + (n %% 60) * interval '1 minute',
                   price, price + 300, price - 200, price + 100, n
              FROM unnest(%(ids)s::bigint[]) asset, generate_series(0, %(count)s - 1) n,
           LATERAL (SELECT 5000000000 + (n * 37 + asset) %% 1000 * 1000000 AS price) drawn
            """,
            {"ids": list(asset_ids), "month": month, "count": count},
        )


def everything(asset_ids: Sequence[int], interval: Interval = Interval.DAY) -> Any:
    """Return all bars through the port."""
    since = FIRST if interval is Interval.DAY else date(2020, 1, 1)
    return bars(asset_ids=asset_ids, since=since, until=AS_OF, interval=interval)


def digest(asset_ids: Sequence[int], interval: Interval = Interval.DAY) -> tuple[int, str]:
    """Return the number of bars there are through the port, and their digest."""
    found = everything(asset_ids, interval)
    assert found.gaps == ()
    return len(found.rows), hashlib.sha256(found.rows.tobytes()).hexdigest()


def hot_days(asset_ids: Sequence[int]) -> set[int]:
    """Return the years of which the application's own table has rows."""
    rows = DailyPrice.objects.filter(asset_id__in=asset_ids).values_list("date__year", flat=True)
    return set(rows)


def day_after(day: date) -> date:
    return day + timedelta(days=1)
