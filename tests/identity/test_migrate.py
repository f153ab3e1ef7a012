"""`migrate` on a database that a squashed version made."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def tables() -> list[str]:
    return sorted(connection.introspection.table_names())


def test_a_database_with_migrations_that_are_gone_is_refused_in_words() -> None:
    recorder = MigrationRecorder(connection)
    for name in ("0031_rebookings", "0032_pieces"):
        recorder.record_applied("transactions", name)
    before = tables()
    with pytest.raises(CommandError) as refusal:
        call_command("migrate", verbosity=0)
    text = str(refusal.value)
    assert "2 of its migrations no longer exist, such as transactions.0031_rebookings" in text
    assert "delete DATA_DIR" in text
    assert tables() == before


def test_a_database_of_this_version_and_rows_of_removed_apps_pass() -> None:
    MigrationRecorder(connection).record_applied("an_app_of_somebody_else", "0001_initial")
    call_command("migrate", verbosity=0)
