"""Rows into tables and out of them by COPY, a microsecond or two each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

# Of a binary COPY: signature, flags and the length of an empty extension; the end's field count.
_HEAD_BYTES = 19
_TAIL_BYTES = 2
# PostgreSQL's binary form of the types that `copied` reads.
_FORMS = {"float8": ">f8", "int8": ">i8", "int4": ">i4", "bool": "i1"}


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


def copied(*, query: str, values: Mapping[str, Any], fields: Mapping[str, str]) -> NDArray[np.void]:
    """Return the rows of a query as records, without a Python object for each.

    fields: the name and the PostgreSQL type (float8, int8, int4, bool) of each column, in order.
    The columns must not be null. Raise ValueError if the answer has another form.
    """
    parts = [("count", ">i2")]
    for name, kind in fields.items():
        parts += [(f"size of {name}", ">i4"), (name, _FORMS[kind])]
    packed = np.dtype(parts)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", values) as copy,
    ):
        data = b"".join(copy)
    body = memoryview(data)[_HEAD_BYTES : len(data) - _TAIL_BYTES]
    if len(body) % packed.itemsize:
        raise ValueError("the rows of the COPY have another length than their fields")
    rows = np.frombuffer(body, packed)
    sizes = {name: np.dtype(_FORMS[kind]).itemsize for name, kind in fields.items()}
    if (rows["count"] != len(fields)).any() or any(
        (rows[f"size of {name}"] != size).any() for name, size in sizes.items()
    ):
        raise ValueError("a column of the COPY is null or of another type than stated")
    found = np.empty(
        len(rows),
        [(name, np.dtype(_FORMS[kind]).newbyteorder("=")) for name, kind in fields.items()],
    )
    for name in fields:
        found[name] = rows[name]
    return found
