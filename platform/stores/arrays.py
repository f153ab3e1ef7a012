"""Rows of a query as arrays, without a Python object for each row.

PostgreSQL gathers each column into one array and sends it in its binary form; one message holds all
rows. Rows that arrive one by one, by COPY too, cost a microsecond each here and two there.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from numpy.typing import NDArray
from psycopg.pq import Format

from stores.sent_arrays import accept_arrays

# PostgreSQL's binary form of the types that can be read, and ours.
_FORMS = {
    "float8": (">f8", np.float64),
    "int8": (">i8", np.int64),
    "int4": (">i4", np.int64),
    "bool": ("i1", np.bool_),
    # Days and microseconds since 2000-01-01 (UTC).
    "date": (">i4", np.int64),
    "timestamptz": (">i8", np.int64),
}
# The day 0 of its dates.
EPOCH = date(2000, 1, 1)
# Dimensions, whether any is null, the element's type, the number of elements, the lowest index.
_HEAD = np.dtype([(name, ">i4") for name in ("dimensions", "nulls", "type", "count", "lowest")])


def records_of(
    *,
    query: str,
    values: Mapping[str, Any],
    fields: Mapping[str, str],
    using: str = DEFAULT_DB_ALIAS,
) -> NDArray[np.void]:
    """Return the rows of a query as records.

    fields: the name and the PostgreSQL type (float8, int8, int4, bool,
    date, timestamptz) of each column, in order.
    Raise ValueError if a column holds a null or has another type.
    """
    gathered = ", ".join(f"array_send(array_agg({name}))" for name in fields)
    statement = f"SELECT {gathered} FROM ({query}) AS given ({', '.join(fields)})"
    connection = connections[using]
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor[tuple[bytes | None, ...]](connection.connection) as cursor,
    ):
        cursor.format = Format.BINARY
        accept_arrays(cursor)
        cursor.execute(statement.encode(), values)
        sent = cursor.fetchone()
    assert sent is not None, "an aggregate has one row"
    native = [(name, _FORMS[kind][1]) for name, kind in fields.items()]
    if sent[0] is None:
        return np.empty(0, native)
    arrays = [
        _elements(name, kind, data) for (name, kind), data in zip(fields.items(), sent, strict=True)
    ]
    found = np.empty(len(arrays[0]), native)
    for name, values_of_column in zip(fields, arrays, strict=True):
        found[name] = values_of_column
    return found


def _elements(name: str, kind: str, data: bytes | None) -> NDArray[Any]:
    """Return the elements of one array in PostgreSQL's binary form."""
    assert data is not None, "columns of one query have the same rows"
    form = np.dtype([("size", ">i4"), ("value", _FORMS[kind][0])])
    head = np.frombuffer(data, _HEAD, count=1)[0]
    body = memoryview(data)[_HEAD.itemsize :]
    if head["nulls"] or len(body) != int(head["count"]) * form.itemsize:
        raise ValueError(f"the column {name} holds a null, or is no {kind}")
    elements = np.frombuffer(body, form)
    if (elements["size"] != form.itemsize - 4).any():
        raise ValueError(f"the column {name} is no {kind}")
    return elements["value"]
