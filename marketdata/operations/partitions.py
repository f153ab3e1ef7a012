"""Partitions of the daily prices, created ahead of time."""

import logging
from datetime import date

from django.db import connection, transaction
from prometheus_client import Gauge

from marketdata.queries.partitions import default_partition_holds_rows

logger = logging.getLogger(__name__)

DEFAULT_PARTITION = Gauge(
    "ballast_price_default_partition_holds_rows",
    "1 if a daily price is in the default partition, because its year has none; otherwise 0.",
    multiprocess_mode="mostrecent",
)

YEARS_AHEAD = 2
_FIRST_YEAR = 2010

_EXISTING = """
SELECT child.relname FROM pg_inherits
  JOIN pg_class child ON child.oid = inhrelid
 WHERE inhparent = 'marketdata_dailyprice'::regclass
"""
# Rows of the year move out of the default partition; otherwise PostgreSQL refuses the new one. The
# check constraint lets PostgreSQL attach it without scanning.
_MAKE = """
CREATE TABLE {name} (LIKE marketdata_dailyprice INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
WITH moved AS (
    DELETE FROM marketdata_dailyprice_default
     WHERE date >= '{first}' AND date < '{end}' RETURNING *)
INSERT INTO {name} SELECT * FROM moved;
ALTER TABLE marketdata_dailyprice ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}');
"""


def ensure_partitions(*, as_of: date) -> list[str]:
    """Create the missing partitions up to two years ahead. Return their names.

    Rows in the default partition are moved to their year. If any remain, that is an error for an
    operator: it is logged, and the metric stays at 1.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('marketdata_dailyprice'))")
        cursor.execute(_EXISTING)
        existing = {name for (name,) in cursor.fetchall()}
        made = []
        for year in range(_FIRST_YEAR, as_of.year + YEARS_AHEAD + 1):
            name = f"marketdata_dailyprice_{year}"
            if name not in existing:
                cursor.execute(
                    _MAKE.format(name=name, first=f"{year}-01-01", end=f"{year + 1}-01-01")
                )
                made.append(name)
    astray = default_partition_holds_rows()
    DEFAULT_PARTITION.set(int(astray))
    if astray:
        logger.error(
            "daily prices are in the default partition because their year has no partition"
        )
    return made
