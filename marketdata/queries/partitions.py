"""State of the price partitions."""

from django.db import connection


def default_partition_holds_rows() -> bool:
    """Return whether the default partition has rows: prices of a year without a partition."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM marketdata_dailyprice_default)")
        row = cursor.fetchone()
    return bool(row and row[0])
