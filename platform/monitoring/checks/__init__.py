"""All checks of the doctor, in the order in which they are shown."""

from monitoring.checks import backups, machine, market, servers, stored, work
from monitoring.findings import Check

CHECKS = (
    Check("settings", machine.settings_given),
    Check("versions", machine.versions),
    Check("disk", machine.disk),
    Check("database", servers.database),
    Check("prices database", servers.warm_database),
    Check("cache", servers.cache),
    Check("broker", servers.broker),
    Check("processes", servers.edges),
    Check("clocks", servers.clocks, needs=("database", "cache")),
    Check("migrations", stored.migrations, needs=("database",)),
    Check("tables", stored.tables, needs=("database",)),
    Check("partitions", stored.partitions, needs=("database", "migrations")),
    Check("workers", work.workers, needs=("cache", "broker")),
    Check("queues", work.queues, needs=("database", "migrations")),
    Check("dead letters", work.dead_letters, needs=("database", "migrations")),
    Check("nightly", work.nightly, needs=("database", "migrations")),
    Check("ledger", work.ledger, needs=("database", "migrations")),
    Check("providers", market.providers, needs=("cache",)),
    Check("prices", market.prices, needs=("database", "migrations")),
    Check("backups", backups.backups, needs=("database",)),
)
