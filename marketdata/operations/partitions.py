"""Partitions of prices, created ahead of time and dropped when their time is over."""

import logging
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction
from prometheus_client import Gauge

from marketdata.partitions import (
    TABLES,
    TICKS,
    Partition,
    Table,
    covered_until,
    expired,
    wanted,
)
from marketdata.queries.partitions import default_partition_holds_rows, partition_names

logger = logging.getLogger(__name__)

DEFAULT_PARTITION = Gauge(
    "ballast_price_default_partition_holds_rows",
    "1 if a price is in a default partition, because its time has no partition; otherwise 0.",
    ["table"],
    multiprocess_mode="mostrecent",
)
# An instant, not a number of days: it needs no task to come nearer while the task is not run.
COVERED_UNTIL = Gauge(
    "ballast_price_partitions_end_seconds",
    "When the last of the partitions that follow each other from today on ends, in Unix time.",
    ["table"],
    multiprocess_mode="mostrecent",
)

# Trades of this many whole days before today are kept: late and corrected ones are applied.
TICKS_KEPT_DAYS = 3

# Rows of the time move out of the default partition; otherwise PostgreSQL refuses the new one. The
# check constraint lets PostgreSQL attach it without scanning.
_MAKE = """
CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
  WITH (fillfactor = {fillfactor});
WITH moved AS (
    DELETE FROM {table}_default
     WHERE {column} >= '{first}' AND {column} < '{end}' RETURNING *)
INSERT INTO {name} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}');
"""


def ensure_partitions(*, as_of: date) -> list[str]:
    """Create the missing partitions of all tables ahead of time. Return their names.

    Rows in a default partition are moved to the partition of their time. If any remain, that is an
    error for an operator: it is logged, and the metric stays at 1.
    """
    return [name for table in TABLES for name in _ensure(table, as_of)]


def _ensure(table: Table, as_of: date) -> list[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table.name])
        existing = partition_names(table=table.name)
        made = [one for one in wanted(table, as_of) if one.name not in existing]
        for one in made:
            cursor.execute(making(table, one))
    names = [one.name for one in made]
    until = covered_until(table, existing | set(names), as_of)
    astray = default_partition_holds_rows(table=table.name)
    COVERED_UNTIL.labels(table.name).set(datetime.combine(until, time(), UTC).timestamp())
    DEFAULT_PARTITION.labels(table.name).set(int(astray))
    if astray:
        logger.error(
            "rows of %s are in its default partition because their time has no partition",
            table.name,
        )
    return names


def making(table: Table, one: Partition) -> str:
    """Return the statements that create and attach a partition."""
    zone = "" if table.column == "date" else " 00:00:00+00"
    return _MAKE.format(
        table=table.name,
        name=one.name,
        column=table.column,
        first=f"{one.first}{zone}",
        end=f"{one.end}{zone}",
        fillfactor=table.fillfactor,
    )


def forget_old_ticks(*, as_of: date) -> list[str]:
    """Drop the partitions of trades that no correction reaches any more. Return their names."""
    before = oldest_tick_day(as_of=as_of)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TICKS])
        names = expired(partition_names(table=TICKS), before=before)
        for name in names:
            cursor.execute(f"DROP TABLE {name}")
        cursor.execute(f"DELETE FROM {TICKS}_default WHERE at < %s", [before])
    return names


def oldest_tick_day(*, as_of: date) -> date:
    """Return the first day whose trades are kept."""
    return as_of - timedelta(days=TICKS_KEPT_DAYS)
