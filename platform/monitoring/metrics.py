"""Gauges of the database, the night, the ledger, prices and back-ups, and a histogram of tasks."""

from prometheus_client import Histogram

from edge.metrics import KeptFigures

STATE = KeptFigures(
    key="figures:state",
    gauges={
        "ballast_database_connections": ("state", "Connections to PostgreSQL of all processes."),
        "ballast_database_connections_max": ("server", "max_connections of PostgreSQL."),
        "ballast_database_oldest_transaction_seconds": (
            "server",
            "Seconds since the oldest open transaction began.",
        ),
        "ballast_database_bytes": ("server", "Size of the database."),
        "ballast_database_log_failing": (
            "server",
            "1 while PostgreSQL cannot archive its log, otherwise 0.",
        ),
        "ballast_redis_clients": ("server", "Connections to the Redis of the cache."),
        "ballast_redis_memory_bytes": ("server", "Memory of the Redis of the cache."),
        "ballast_redis_evicted_keys": ("server", "Keys the cache evicted since its start."),
        "ballast_nightly_accounts": (
            "state",
            "Accounts of the last night: those that are done, and all.",
        ),
        "ballast_nightly_chunks": ("state", "Chunks of the last night that are done and failed."),
        "ballast_nightly_stopped": (
            "night",
            "1 if the guards stopped the last night, otherwise 0.",
        ),
        "ballast_nightly_running_seconds": (
            "night",
            "Seconds since the last night began while it runs, otherwise 0.",
        ),
        "ballast_ledger_differences": (
            "run",
            "Differences that the last verification of the ledger found.",
        ),
        "ballast_ledger_verified_seconds": (
            "run",
            "When the last verification of the ledger ended, in Unix time.",
        ),
        "ballast_newest_quote_seconds": (
            "source",
            "When the newest quote of a vendor or the demo was made, in Unix time.",
        ),
        "ballast_backup_finished_seconds": (
            "kind",
            "When the newest back-up ended, in Unix time; 0 if there is none.",
        ),
    },
)

TASK_SECONDS = Histogram(
    "ballast_task_seconds",
    "Time of one run of a task of a worker, in seconds.",
    ["task", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
