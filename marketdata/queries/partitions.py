"""The state of the price partitions."""

from django.db import connection


def default_partition_holds_rows() -> bool:
    """Whether a price fell into the default partition: a year without one of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM marketdata_dailyprice_default)")
        row = cursor.fetchone()
    return bool(row and row[0])
