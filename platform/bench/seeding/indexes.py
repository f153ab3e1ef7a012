"""Indexes taken off a table and put back, in one transaction: a rollback brings all of them back.

Some stay: those on which a foreign key rests, and those of a part of the table into which no row
of the population falls. So does every check and every NOT NULL.
"""

from dataclasses import dataclass
from typing import Any

_INDEXES = """
SELECT named.relname, pg_get_indexdef(ind.indexrelid), con.conname,
       pg_get_constraintdef(con.oid), pg_get_expr(ind.indpred, ind.indrelid)
  FROM pg_index ind
  JOIN pg_class named ON named.oid = ind.indexrelid
  LEFT JOIN pg_constraint con ON con.conindid = ind.indexrelid AND con.contype IN ('p', 'u')
 WHERE ind.indrelid = %(table)s::regclass
   AND NOT EXISTS (SELECT FROM pg_constraint key
                    WHERE key.conindid = ind.indexrelid AND key.contype = 'f')
 ORDER BY named.relname
"""


@dataclass(frozen=True, slots=True)
class Index:
    """An index, whether a constraint owns it, and the statement that makes it."""

    table: str
    name: str
    owned: bool
    create: str


def take_off(cursor: Any, table: str, *, first_account: int) -> list[Index]:
    """Drop the indexes that the population fills; return them for `put_back`.

    `first_account`: the first account of the population, of which some rows are there already.
    """
    cursor.execute(_INDEXES, {"table": table})
    off = []
    for name, made, constraint, rule, part in cursor.fetchall():
        if part is not None and not _falls_into(cursor, table, part, first_account):
            continue
        if constraint:
            made = f'ALTER TABLE {table} ADD CONSTRAINT "{constraint}" {rule}'
        off.append(Index(table, name, bool(constraint), made))
    for index in off:
        if index.owned:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{index.name}"')
        else:
            cursor.execute(f'DROP INDEX "{index.name}"')
    return off


def _falls_into(cursor: Any, table: str, part: str, first_account: int) -> bool:
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM {table} WHERE account_id >= {first_account} AND ({part}))"
    )
    return bool(cursor.fetchone()[0])


def put_back(cursor: Any, index: Index) -> None:
    """Build the index in the running transaction."""
    cursor.execute(index.create)
