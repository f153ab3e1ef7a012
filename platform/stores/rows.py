"""Rows read and written as plain tuples, where building queries and objects would cost most.

Names of tables and columns come from the models and the code, never from input.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from stores.copying import copy_rows

Row = TypeVar("Row")

# From this number of rows on, a COPY is faster than a statement with arrays.
COPIED_MIN = 100
# The types whose values Python writes as PostgreSQL reads them, without a comma.
_PLAIN_TYPES = ("bigint", "boolean", "date", "integer", "numeric", "smallint", "timestamp", "uuid")
# One statement writes at most this many rows: it ends long before its timeout.
_AT_ONCE_MAX = 10_000


def rows_of(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return all rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def execute(statement: str, values: Mapping[str, Any]) -> None:
    """Run a statement that returns no rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def delete_rows(*, model: type[Model], ids: Collection[int]) -> None:
    """Delete rows that nothing refers to, by their primary keys."""
    statement = f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%(ids)s::bigint[])"
    for portion in _portions(list(ids)):
        execute(statement, {"ids": portion})


def insert_rows(
    *,
    model: type[Model],
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    unique: tuple[str, ...] = (),
) -> None:
    """Insert rows in the running transaction; one statement for up to 10,000 rows.

    `unique`: the columns of a unique key. A stored row with the same key is updated.
    """
    if not rows:
        return
    if len(rows) >= COPIED_MIN and not unique:
        for portion in _portions(rows):
            copy_rows(table=model._meta.db_table, columns=columns, rows=portion)
            # A commit that checks a hundred thousand rows takes longer than one answer may.
            check_references()
        return
    values = {f"c{index}": list(column) for index, column in enumerate(zip(*rows, strict=True))}
    execute(_insertion(model, columns, unique), values)


def update_rows(
    *,
    model: type[Model],
    ids: Sequence[int],
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Write these values of the rows with these primary keys; one statement for up to 10,000.

    The columns hold numbers, dates, times and truth values. Joined as text they cost the caller a
    tenth of what arrays cost.
    """
    for portion in _portions(list(zip(ids, rows, strict=True))):
        lists = [[pk for pk, _ in portion], *zip(*(row for _, row in portion), strict=True)]
        values = {f"c{index}": ",".join(map(str, column)) for index, column in enumerate(lists)}
        execute(_update(model, columns), values)


def check_references() -> None:
    """Check the foreign keys of all rows written so far, which a commit would do otherwise."""
    execute("SET CONSTRAINTS ALL IMMEDIATE", {})
    execute("SET CONSTRAINTS ALL DEFERRED", {})


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _AT_ONCE_MAX):
        yield rows[start : start + _AT_ONCE_MAX]


@lru_cache(maxsize=64)
def _types(model: type[Model], columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(model._meta.get_field(name).db_type(connection)) for name in columns)


@lru_cache(maxsize=64)
def _update(model: type[Model], columns: tuple[str, ...]) -> str:
    types = _types(model, columns)
    assert all(name.startswith(_PLAIN_TYPES) for name in types), "a text may contain a comma"
    arrays = ", ".join(
        f"string_to_array(%(c{index})s, ',', 'None')::{name}[]"
        for index, name in enumerate(("bigint", *types))
    )
    sets = ", ".join(f"{name} = new.{name}" for name in columns)
    return (
        f"UPDATE {model._meta.db_table} AS old SET {sets} "
        f"FROM unnest({arrays}) AS new (id, {', '.join(columns)}) WHERE old.id = new.id"
    )


@lru_cache(maxsize=64)
def _insertion(model: type[Model], columns: tuple[str, ...], unique: tuple[str, ...]) -> str:
    types = enumerate(_types(model, columns))
    arrays = ", ".join(f"%(c{index})s::{name}[]" for index, name in types)
    conflict = ""
    if unique:
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in unique)
        conflict = f" ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {sets}"
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
        f"SELECT * FROM unnest({arrays}){conflict}"
    )


def new_ids(*, model: type[Model], count: int) -> list[int]:
    """Return primary keys for new rows, in ascending order."""
    rows = rows_of(
        "SELECT nextval(pg_get_serial_sequence(%(table)s, 'id')) FROM generate_series(1, %(n)s)",
        {"table": model._meta.db_table, "n": count},
    )
    return [pk for (pk,) in rows]
