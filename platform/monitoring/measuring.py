"""Measure the state of the installation every half minute, for /metrics."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from django.conf import settings

from edge.metrics import Figures
from marketdata.operations.quotes import newest_quote_at
from monitoring.checks.backups import newest_backup
from monitoring.metrics import STATE
from recommendations.models import NightlyRun, NightState
from recommendations.queries.nights import progress
from stores.redis import redis_client
from stores.rows import rows_of
from transactions.models import VerificationRun

_SERVER = """
SELECT current_setting('max_connections')::int, pg_database_size(current_database()),
       (SELECT current_setting('archive_mode') <> 'off'
               AND COALESCE(last_failed_time > COALESCE(last_archived_time, '-infinity'), false)
          FROM pg_stat_archiver)
"""
_CONNECTIONS = """
SELECT COALESCE(state, 'other'), count(*),
       COALESCE(max(EXTRACT(epoch FROM now() - xact_start)), 0)::float8
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 GROUP BY 1
"""
# Always present, so that a rate or a sum does not start in the middle of nothing.
_STATES = ("active", "idle", "idle in transaction")


def measure(*, now: datetime) -> Figures:
    """Measure, keep the figures for /metrics, and return them."""
    figures = {**_database(), **_cache(), **_night(now), **_ledger(), **_ages()}
    STATE.keep(figures)
    return figures


def _database() -> Figures:
    [(most, size, failing)] = rows_of(_SERVER, {})
    states, oldest_s = dict.fromkeys(_STATES, 0.0), 0.0
    for state, count, transaction_s in rows_of(_CONNECTIONS, {}):
        states[state] = float(count)
        oldest_s = max(oldest_s, float(transaction_s))
    return {
        "ballast_database_connections": states,
        "ballast_database_connections_max": {"postgresql": float(most)},
        "ballast_database_oldest_transaction_seconds": {"postgresql": oldest_s},
        "ballast_database_bytes": {"postgresql": float(size)},
        "ballast_database_log_failing": {"postgresql": float(failing)},
    }


def _cache() -> Figures:
    about = cast(Mapping[str, Any], redis_client().info())
    return {
        "ballast_redis_clients": {"cache": float(about["connected_clients"])},
        "ballast_redis_memory_bytes": {"cache": float(about["used_memory"])},
        "ballast_redis_evicted_keys": {"cache": float(about["evicted_keys"])},
    }


def _night(now: datetime) -> Figures:
    run = NightlyRun.objects.order_by("-night").first()
    if run is None:
        return {}
    found = progress(run=run, now=now)
    running = run.state == NightState.RUNNING
    running_s = (now - run.created_at).total_seconds() if running else 0.0
    return {
        "ballast_nightly_accounts": {"done": float(found.accounts), "all": float(run.accounts)},
        "ballast_nightly_chunks": {
            "done": float(found.done),
            "failed": float(found.failed),
            "all": float(found.chunks),
        },
        "ballast_nightly_stopped": {"last": float(run.state == NightState.STOPPED)},
        "ballast_nightly_running_seconds": {"last": running_s},
    }


def _ledger() -> Figures:
    run = VerificationRun.objects.filter(finished_at__isnull=False).order_by("-id").first()
    if run is None or run.finished_at is None:
        return {}
    return {
        "ballast_ledger_differences": {"last": float(run.difference_count)},
        "ballast_ledger_verified_seconds": {"last": run.finished_at.timestamp()},
    }


def _ages() -> Figures:
    figures: dict[str, dict[str, float]] = {}
    quoted_at = newest_quote_at()
    if quoted_at is not None:
        figures["ballast_newest_quote_seconds"] = {"feed": quoted_at.timestamp()}
    if settings.BACKUP_DIR:
        newest = newest_backup(Path(settings.BACKUP_DIR))
        finished_at = newest[1] if newest else datetime.fromtimestamp(0, UTC)
        figures["ballast_backup_finished_seconds"] = {"newest": finished_at.timestamp()}
    return figures
