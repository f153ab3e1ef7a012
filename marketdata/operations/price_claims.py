"""Whose turn it is to write a partition's copies: an attempt and a lease, written in its row.

A later attempt ends an earlier one, whose worker was thought dead and may go on: it writes nothing
more, because each write locks the row under its own attempt.
"""

from django.db import connection

from marketdata.models import PricePartition
from stores.locks import locked

_CLAIM = """
UPDATE marketdata_pricepartition
   SET attempt = attempt + 1, lease_until = now() + %(lease)s * interval '1 second', error = ''
 WHERE id = %(pk)s AND (lease_until IS NULL OR lease_until <= now())
RETURNING attempt
"""
_RENEW = """
UPDATE marketdata_pricepartition SET lease_until = now() + %(lease)s * interval '1 second'
 WHERE id = %(pk)s AND attempt = %(attempt)s
"""


class MoveLost(Exception):
    """Another worker has taken the partition over."""


def claimed(partition: PricePartition, *, lease_s: float) -> int | None:
    """Claim a partition and read its row again. Return the attempt; None: another worker has it."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"pk": partition.pk, "lease": lease_s})
        row = cursor.fetchone()
    if row is None:
        return None
    partition.refresh_from_db()
    return int(row[0])


def renew(partition: PricePartition, attempt: int, *, lease_s: float) -> None:
    """Extend the lease, or raise MoveLost."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"pk": partition.pk, "attempt": attempt, "lease": lease_s})
        if not cursor.rowcount:
            raise MoveLost(partition.name)


def release(partition: PricePartition, attempt: int, *, error: str = "") -> None:
    """End the lease, if it is still this attempt's."""
    PricePartition.objects.filter(pk=partition.pk, attempt=attempt).update(
        lease_until=None, error=error
    )


def lock_attempt(partition: PricePartition, attempt: int) -> PricePartition:
    """Lock the partition's row, or raise MoveLost if a later attempt has begun."""
    found = locked(PricePartition.objects.filter(pk=partition.pk, attempt=attempt)).first()
    if found is None:
        raise MoveLost(partition.name)
    return found
