"""State of the price partitions."""

from django.db import connection

from marketdata.partitions import DAILY
from stores.rows import rows_of

_NAMES = """
SELECT child.relname FROM pg_inherits
  JOIN pg_class child ON child.oid = inhrelid
 WHERE inhparent = %(table)s::regclass
"""


def default_partition_holds_rows(*, table: str = DAILY) -> bool:
    """Return whether the default partition has rows: prices of a time without a partition."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table}_default)")
        row = cursor.fetchone()
    return bool(row and row[0])


def partition_names(*, table: str) -> set[str]:
    """Return the names of a table's partitions."""
    return {name for (name,) in rows_of(_NAMES, {"table": table})}
