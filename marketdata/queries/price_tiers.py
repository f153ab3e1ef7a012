"""The bars of each tier: one query of a database, or one request for each object of the archive."""

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as at_time
from typing import Any

import numpy as np
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connections

from marketdata.bars import BAR, FIELDS, Interval, Records, hours, in_order, no_bars
from marketdata.models import PriceBlock
from marketdata.partitions import DAILY, MINUTES
from marketdata.storage.parquet import decoded
from marketdata.tiers import COLD
from stores.arrays import records_of
from stores.copying import EPOCH_ORDINAL, EPOCH_S
from stores.database import working_memory
from stores.objects import NoSuchObject, Objects, ObjectsAway, objects
from stores.sent_arrays import sent_ints

logger = logging.getLogger(__name__)

WARM_DB = "warm"
# The tables of the warm database: prices are whole numbers in both.
WARM_TABLES = {DAILY: "prices_daily", MINUTES: "prices_minute"}
_AWAY_S = 5.0
_READERS_MAX = 8
# A year of minutes of one asset is hashed by its hours, instead of sorted on disk.
_ROLL_UP_MB = 32
_DAY = timedelta(days=1)

# Prices of days are numeric in the hot tier, and open, high, low and volume may be unknown.
NUMERIC_COLUMNS = """asset_id, date,
       coalesce((open * 100000000)::bigint, -1), coalesce((high * 100000000)::bigint, -1),
       coalesce((low * 100000000)::bigint, -1), (close * 100000000)::bigint, coalesce(volume, -1)"""
PLAIN_COLUMNS = "asset_id, {column}, open, high, low, close, volume"
_ROWS = """
SELECT {columns} FROM {table}
 WHERE asset_id = ANY(%(ids)s) AND {column} >= %(first)s AND {column} < %(end)s
 ORDER BY asset_id, {column} {limit}
"""
# Open and close by the key of the first and the last minute: an ordered aggregate would sort all.
# The bounds and the limit let PostgreSQL look into one partition for each.
_HOURS = """
SELECT hour.asset_id, hour.at, first.open, hour.high, hour.low, last.close, hour.volume
  FROM (SELECT asset_id, date_bin('1 hour', at, '2000-01-01 00:00:00+00') AS at,
               min(at) AS first_at, max(at) AS last_at, max(high) AS high, min(low) AS low,
               sum(volume)::bigint AS volume
          FROM {table}
         WHERE asset_id = ANY(%(ids)s) AND at >= %(first)s AND at < %(end)s
         GROUP BY 1, 2) AS hour
 CROSS JOIN LATERAL (
       SELECT open FROM {table}
        WHERE asset_id = hour.asset_id AND at = hour.first_at AND at >= %(first)s AND at < %(end)s
        LIMIT 1) AS first
 CROSS JOIN LATERAL (
       SELECT close FROM {table}
        WHERE asset_id = hour.asset_id AND at = hour.last_at AND at >= %(first)s AND at < %(end)s
        LIMIT 1) AS last
 ORDER BY hour.asset_id, hour.at {limit}
"""


class TierAway(Exception):
    """The tier did not answer; `reason` is what an answer says of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """The bars to read. `after`: only bars later than this, in the unit of the interval's `at`."""

    asset_ids: Sequence[int]
    interval: Interval
    first: date
    last: date
    after: int | None = None
    limit: int | None = None

    @property
    def table(self) -> str:
        return DAILY if self.interval is Interval.DAY else MINUTES


def cold_store() -> Objects:
    return objects(settings.PRICE_ARCHIVE_URL)


def has_warm() -> bool:
    return WARM_DB in connections.settings


def hot_bars(wanted: Wanted) -> Records:
    """Return bars from the application's own database, in one query."""
    columns = NUMERIC_COLUMNS if wanted.table == DAILY else PLAIN_COLUMNS.format(column="at")
    return _bars_of_table(wanted, table=wanted.table, columns=columns, using=DEFAULT_DB_ALIAS)


def warm_bars(wanted: Wanted) -> Records:
    """Return bars from the warm database, in one query. Raise TierAway if it does not answer."""
    if not has_warm():
        raise TierAway("warm_unavailable")
    _warm.ask()
    column = "date" if wanted.table == DAILY else "at"
    try:
        return _bars_of_table(
            wanted,
            table=WARM_TABLES[wanted.table],
            columns=PLAIN_COLUMNS.format(column=column),
            using=WARM_DB,
        )
    except DatabaseError as error:
        if not isinstance(error, OperationalError) and "does not exist" not in str(error):
            raise
        logger.warning("the warm tier of prices did not answer: %s", error)
        _warm.failed()
        raise TierAway("warm_unavailable") from error


def _bars_of_table(wanted: Wanted, *, table: str, columns: str, using: str) -> Records:
    daily = wanted.table == DAILY
    limit = "" if wanted.limit is None else f"LIMIT {int(wanted.limit)}"
    if wanted.interval is Interval.HOUR:
        query = _HOURS.format(table=table, limit=limit)
    else:
        column = "date" if daily else "at"
        query = _ROWS.format(columns=columns, table=table, column=column, limit=limit)
    rolled = wanted.interval is Interval.HOUR
    with working_memory(megabytes=_ROLL_UP_MB, using=using) if rolled else nullcontext():
        rows = records_of(
            query=query,
            values={
                "ids": sent_ints(np.array(sorted(set(wanted.asset_ids)), np.int64)),
                **_bounds(wanted),
            },
            fields=dict.fromkeys(FIELDS, "int8") | {"at": "date" if daily else "timestamptz"},
            using=using,
        ).astype(BAR)
    if daily:
        rows["at"] += EPOCH_ORDINAL
    else:
        rows["at"] = rows["at"] // 1_000_000 + EPOCH_S
    return rows


def _bounds(wanted: Wanted) -> dict[str, date | datetime]:
    """Return the first and the end of the range, as the table's column has them."""
    if wanted.table == DAILY:
        first = wanted.first
        if wanted.after is not None:
            first = max(first, date.fromordinal(wanted.after + 1))
        return {"first": first, "end": wanted.last + _DAY}
    begin = datetime.combine(wanted.first, at_time(), UTC)
    if wanted.after is not None:
        length_s = 3600 if wanted.interval is Interval.HOUR else 60
        begin = max(begin, datetime.fromtimestamp(wanted.after + length_s, UTC))
    return {"first": begin, "end": datetime.combine(wanted.last + _DAY, at_time(), UTC)}


def cold_bars(wanted: Wanted, *, partitions: Sequence[int]) -> Records:
    """Return bars from the archive, one request for each object. Raise TierAway if one is missing.

    A damaged object counts as missing: its bytes have another digest.
    """
    ids = np.array(sorted(set(wanted.asset_ids)), np.int64)
    blocks = [
        (path, bytes(digest))
        for path, digest, first, last in PriceBlock.objects.filter(
            partition_id__in=partitions,
            tier=COLD,
            first_asset__lte=int(ids[-1]),
            last_asset__gte=int(ids[0]),
        )
        .order_by("partition__first", "first_asset")
        .values_list("path", "digest", "first_asset", "last_asset")
        if np.searchsorted(ids, first) < np.searchsorted(ids, last, side="right")
    ]
    if not blocks:
        return no_bars()
    store = cold_store()
    if len(blocks) == 1:
        found = [_object(store, *blocks[0])]
    else:
        with ThreadPoolExecutor(min(_READERS_MAX, len(blocks))) as readers:
            found = list(readers.map(lambda block: _object(store, *block), blocks))
    return in_order([_inside(rows, wanted, ids) for rows in found])[: wanted.limit]


def _object(store: Objects, path: str, digest: bytes) -> Records:
    try:
        data = store.get(path)
    except (ObjectsAway, NoSuchObject) as error:
        logger.warning("the archive of prices did not answer: %s: %s", path, error)
        raise TierAway("cold_unavailable") from error
    if hashlib.sha256(data).digest() != digest:
        logger.error("an object of the archive of prices is damaged: %s", path)
        raise TierAway("cold_damaged")
    return decoded(data)


def _inside(rows: Records, wanted: Wanted, ids: Any) -> Records:
    """Return the wanted bars of an object, rolled up if hours are wanted."""
    place = np.minimum(np.searchsorted(ids, rows["asset_id"]), len(ids) - 1)
    if wanted.table == DAILY:
        since, until = wanted.first.toordinal(), wanted.last.toordinal()
    else:
        since, end = _seconds(wanted.first), _seconds(wanted.last + _DAY)
        until = end - 1
    chosen = (ids[place] == rows["asset_id"]) & (rows["at"] >= since) & (rows["at"] <= until)
    rows = rows[chosen]
    if wanted.interval is Interval.HOUR:
        rows = hours(rows)
    if wanted.after is not None:
        rows = rows[rows["at"] > wanted.after]
    return rows


def _seconds(day: date) -> int:
    return int(datetime.combine(day, at_time(), UTC).timestamp())


class _Patience:
    """A database that did not answer is not asked again for some seconds."""

    def __init__(self) -> None:
        self._until_s = 0.0
        self._lock = threading.Lock()

    def ask(self) -> None:
        if time.monotonic() < self._until_s:
            raise TierAway("warm_unavailable")

    def failed(self) -> None:
        with self._lock:
            self._until_s = time.monotonic() + _AWAY_S


_warm = _Patience()
