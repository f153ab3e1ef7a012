"""Transactions that see one snapshot, and transactions of long statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Read one snapshot of the database inside the block, and write nothing.

    Inside a running transaction the isolation level can no longer be chosen; the caller then reads
    at the level of that transaction.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def long_statements(*, seconds: int, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let each statement of a transaction take so long; server and client both wait for it.

    Only for work at night, which nobody waits for.
    """
    patient: Any = connections[using]
    with transaction.atomic(using=using):
        with patient.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {seconds * 1000:d}")
        with patient.patience(seconds):
            yield


@contextmanager
def short_statements(*, milliseconds: int) -> Iterator[None]:
    """Let no statement inside the block take longer, whatever the process allows others."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {milliseconds:d}")
        yield
        if not outermost:  # the running transaction goes on with its own limit
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


@contextmanager
def working_memory(*, megabytes: int, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let each sort and hash of a transaction's statements take so much memory."""
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(f"SET LOCAL work_mem = '{megabytes:d}MB'")
        yield
