"""Django's `migrate`, which first refuses a database of a version that can no longer be updated."""

from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        gone = unknown_migrations(alias=options["database"])
        if gone:
            raise CommandError(
                f"This database was made by a version before the first release: {len(gone)} of its "
                f"migrations no longer exist, such as {gone[0]}. Export your transactions with "
                "that version. Then delete DATA_DIR, or name an empty database in DATABASE_URL, "
                "start again and import them."
            )
        super().handle(*args, **options)


def unknown_migrations(*, alias: str) -> list[str]:
    """Return the applied migrations of installed apps that exist in no file, by name."""
    loader = MigrationLoader(connections[alias])
    labels = {config.label for config in apps.get_app_configs()}
    assert loader.disk_migrations is not None, "a loader has read the files"
    known = set(loader.disk_migrations)
    known |= {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    applied = sorted(loader.applied_migrations or ())
    return [
        f"{label}.{name}"
        for label, name in applied
        if label in labels and (label, name) not in known
    ]
