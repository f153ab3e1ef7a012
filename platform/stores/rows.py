"""Rows read and written as plain tuples, where building queries and objects would cost most.

Names of tables and columns come from the models and the code, never from input.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Model

from stores.copying import copy_rows

# From this number of rows on, a COPY is faster than a statement with arrays.
COPIED_MIN = 100


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
    table = model._meta.db_table
    execute(f"DELETE FROM {table} WHERE id = ANY(%(ids)s::bigint[])", {"ids": list(ids)})


def insert_rows(
    *,
    model: type[Model],
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    unique: tuple[str, ...] = (),
) -> None:
    """Insert rows in the running transaction; one statement, whatever their number.

    `unique`: the columns of a unique key. A stored row with the same key is updated.
    """
    if not rows:
        return
    if len(rows) >= COPIED_MIN and not unique:
        copy_rows(table=model._meta.db_table, columns=columns, rows=rows)
        return
    values = {f"c{index}": list(column) for index, column in enumerate(zip(*rows, strict=True))}
    execute(_insertion(model, columns, unique), values)


@lru_cache(maxsize=64)
def _insertion(model: type[Model], columns: tuple[str, ...], unique: tuple[str, ...]) -> str:
    types = [model._meta.get_field(name).db_type(connection) for name in columns]
    arrays = ", ".join(f"%(c{index})s::{name}[]" for index, name in enumerate(types))
    conflict = ""
    if unique:
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in unique)
        conflict = f" ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {sets}"
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
        f"SELECT * FROM unnest({arrays}){conflict}"
    )
