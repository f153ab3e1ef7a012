"""Rows into tables by COPY, a microsecond or two each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import DEFAULT_DB_ALIAS, connection, connections
from numpy.typing import NDArray

from stores.arrays import EPOCH

# PostgreSQL's binary form of the types that can be copied: instants are microseconds since
# 2000-01-01 (UTC), days are counted from it.
_FORMS = {"int8": ">i8", "timestamptz": ">i8", "date": ">i4", "bool": "i1"}
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_AT_ONCE_MAX = 65_536
# What is added to seconds since 1970 and to Python's ordinals.
EPOCH_S = 946_684_800
EPOCH_ORDINAL = EPOCH.toordinal()


def copy_rows(*, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Append rows to a table in the running transaction; return how many. Names come from code."""
    assert connection.in_atomic_block, "a COPY belongs in a transaction"
    count = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def copy_records(
    *,
    table: str,
    columns: Mapping[str, tuple[str, NDArray[Any]]],
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Append rows from arrays, in PostgreSQL's binary form: no Python object for each row.

    columns: the PostgreSQL type (int8, timestamptz, date) and the values of each column, which have
    equal lengths and no nulls. The values are as PostgreSQL counts them (see `_FORMS`).
    """
    assert connections[using].in_atomic_block, "a COPY belongs in a transaction"
    form: list[tuple[str, str]] = [("columns", ">i2")]
    for number, (kind, _) in enumerate(columns.values()):
        form += [(f"size{number}", ">i4"), (f"value{number}", _FORMS[kind])]
    shape = np.dtype(form)
    count = len(next(iter(columns.values()))[1])
    with (
        connections[using].cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.write(_SIGNATURE)
        for start in range(0, count, _AT_ONCE_MAX):
            portion = slice(start, start + _AT_ONCE_MAX)
            rows = np.empty(min(_AT_ONCE_MAX, count - start), shape)
            rows["columns"] = len(columns)
            for number, (kind, values) in enumerate(columns.values()):
                rows[f"size{number}"] = np.dtype(_FORMS[kind]).itemsize
                rows[f"value{number}"] = values[portion]
            copy.write(rows.tobytes())
        copy.write(_END)
