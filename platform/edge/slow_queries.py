"""Log slow statements with their plan, by the setting SLOW_QUERY_MS (0: never).

A line has the statement as the code wrote it, with placeholders. The plan is that of the values it
ran with, but shows none of them: quoted values and numbers of conditions are replaced by `?`.
"""

import logging
import re
from typing import Any

import psycopg
from django.db import connection

logger = logging.getLogger(__name__)

STATEMENT_CHARS_MAX = 4000
PLAN_LINES_MAX = 60
_EXPLAINED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w.$\"])-?\d+(?:\.\d+)?(?![\w.\"])")


def log_slow(sql: Any, params: Any, *, took_s: float, scope: str) -> None:
    """Log one statement that took long, with its plan where it can be had."""
    if not isinstance(sql, str):
        return
    logger.warning(
        "slow query: %.0f ms in %s: %s\n%s",
        took_s * 1000,
        scope,
        " ".join(sql.split())[:STATEMENT_CHARS_MAX],
        _plan(sql, params),
    )


def _plan(sql: str, params: Any) -> str:
    """Return the plan. Nothing is executed, and a transaction goes on as if nobody had asked."""
    if not sql.lstrip().upper().startswith(_EXPLAINED) or connection.connection is None:
        return "(no plan of this kind of statement)"
    link: psycopg.Connection[Any] = connection.connection
    try:
        # A savepoint inside a transaction: a plan that fails must not end the transaction.
        with link.transaction(), psycopg.ClientCursor(link) as cursor:
            cursor.execute("EXPLAIN " + sql, params)
            lines = [str(line) for (line,) in cursor.fetchmany(PLAN_LINES_MAX)]
    except psycopg.Error as fault:
        return f"(no plan: {type(fault).__name__})"
    return "\n".join(without_values(line) for line in lines)


def without_values(line: str) -> str:
    """Return a line of a plan without the values of its conditions."""
    line = _QUOTED.sub("?", line)
    # The line of a node has its costs, those below it what it compares.
    return line if "(cost=" in line else _NUMBER.sub("?", line)
