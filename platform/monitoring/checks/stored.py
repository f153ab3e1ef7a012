"""Migrations, tables and partitions of the database."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from marketdata.partitions import TABLES, covered_until
from marketdata.queries.partitions import default_partition_holds_rows, partition_names
from monitoring.findings import Finding, age_text, fine, problem, warning
from stores.rows import rows_of

TRANSACTION_S_MAX = 600.0
WAITING_S_MAX = 60.0
WRAPAROUND_SHARE_MAX = 0.5
COVERED_DAYS_MIN = 7

_SESSIONS = """
SELECT COALESCE(max(EXTRACT(epoch FROM now() - xact_start))
                FILTER (WHERE backend_type = 'client backend'), 0)::float8,
       count(*) FILTER (WHERE wait_event_type = 'Lock'
                          AND query_start < now() - %(waiting_s)s * interval '1 second')
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_INVALID = """
SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1 LIMIT 20
"""
_AGE = """
SELECT age(datfrozenxid), current_setting('autovacuum')
  FROM pg_database WHERE datname = current_database()
"""
# The share of dead rows in tables that are large enough for it to matter.
_DEAD = """
SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables
 WHERE n_dead_tup > 1000000 AND n_dead_tup > n_live_tup ORDER BY n_dead_tup DESC LIMIT 5
"""


def migrations() -> Iterator[Finding]:
    """Every migration of this code is applied, and none of a newer code."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{one.app_label}.{one.name}" for one, _ in plan[:5])
        yield problem(
            f"{len(plan)} migrations are not applied: {names}.",
            "Run manage.py migrate.",
            blocks=True,
        )
    known, ours = set(loader.disk_migrations), {app for app, _ in loader.disk_migrations}
    newer = sorted(key for key in loader.applied_migrations if key not in known and key[0] in ours)
    replaced = {key for one in loader.disk_migrations.values() for key in one.replaces}
    newer = [key for key in newer if key not in replaced]
    if newer:
        yield warning(
            f"The database has migrations this code does not: {'.'.join(newer[-1])}.",
            "A newer version ran here. Deploy it again, or restore the back-up made before it.",
        )
    if not plan:
        yield fine(f"{len(loader.applied_migrations)} migrations are applied.")


def tables() -> Iterator[Finding]:
    """Long transactions, waits for locks, invalid indexes, vacuum."""
    [(longest_s, waiting)] = rows_of(_SESSIONS, {"waiting_s": WAITING_S_MAX})
    if longest_s > TRANSACTION_S_MAX:
        yield warning(
            f"A transaction has been open for {age_text(longest_s)}; VACUUM cannot remove rows.",
            "Find it in pg_stat_activity (oldest xact_start); end it with pg_terminate_backend.",
        )
    if waiting:
        yield warning(
            f"{waiting} sessions have waited for a lock for over {age_text(WAITING_S_MAX)}.",
            "SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity names who holds it.",
        )
    invalid = [name for (name,) in rows_of(_INVALID, {})]
    if invalid:
        yield problem(
            f"Indexes are invalid and not used: {', '.join(invalid)}.",
            "REINDEX INDEX CONCURRENTLY each of them.",
        )
    [(age, autovacuum)] = rows_of(_AGE, {})
    if autovacuum != "on":
        yield problem("Autovacuum is off.", "Switch it on: tables and indexes grow without it.")
    share = age / 2**31
    if share > WRAPAROUND_SHARE_MAX:
        yield problem(
            f"{share:.0%} of the transaction numbers are used.", "VACUUM FREEZE the oldest tables."
        )
    for name, dead, live in rows_of(_DEAD, {}):
        yield warning(f"{name} has {dead} dead rows and {live} live ones.", f"VACUUM {name}.")
    yield fine(
        f"{share:.1%} of the transaction numbers are used; the longest transaction is open "
        f"for {age_text(longest_s)}."
    )


def partitions() -> Iterator[Finding]:
    """Prices of the next week have a partition, and none lies in a default one."""
    today = timezone.now().date()
    for table in TABLES:
        until = covered_until(table, partition_names(table=table.name), today)
        if until - today < timedelta(days=COVERED_DAYS_MIN):
            yield problem(
                f"{table.name} has partitions until {until} only.",
                "Is the scheduler running? The task marketdata.ensure_partitions makes them.",
            )
        elif default_partition_holds_rows(table=table.name):
            yield problem(
                f"Rows of {table.name} lie in its default partition.",
                "Run the task marketdata.ensure_partitions; it moves them.",
            )
        else:
            yield fine(f"{table.name} has partitions until {until}.")
