"""Migrations run while the old code serves: none may lock a large table for long or break it.

Held for the tables that are large in year three. A migration that must do it all the same says why
in an attribute `locks` of its class, such as `locks = "the table is empty before version 2"`.
Held for migrations after the last release, which `.ci/release.py` notes in `.ci/released.json`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader

# Of the apps, these models have millions of rows or are written by every request.
LARGE = {
    *("marketdata.dailyprice", "marketdata.minutebar", "marketdata.tick", "marketdata.latestprice"),
    *("marketdata.yearofcloses", "transactions.transaction", "transactions.lot"),
    *("transactions.disposal", "transactions.holding", "transactions.account"),
    *("portfolios.target", "recommendations.recommendation", "recommendations.nightlyresult"),
    *("notifications.delivery", "notifications.notice", "jobs.job", "jobs.outbox"),
    *("jobs.idempotencykey", "identity.user", "identity.session"),
}
RELEASED = Path(__file__).resolve().parents[2] / ".ci/released.json"
_REWRITING = re.compile(
    r"\bALTER\s+TABLE\b[^;]*\b(TYPE|SET\s+NOT\s+NULL|ADD\s+CONSTRAINT(?![^;]*NOT\s+VALID))"
    r"|\bCREATE\s+(UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)|\bVACUUM\s+FULL\b|\bCLUSTER\b",
    re.IGNORECASE,
)


def offences(migration: Migration) -> list[str]:
    """Return what a migration does that locks a large table or breaks the code that still runs."""
    if getattr(migration, "locks", ""):
        return []
    app = migration.app_label
    fresh = {x.name_lower for x in migration.operations if isinstance(x, operations.CreateModel)}
    return [
        f"{app}.{migration.name}: {found}"
        for operation in _flat(migration.operations)
        for found in _of(operation, app, fresh)
    ]


def _flat(found: Sequence[Any]) -> Iterator[Any]:
    for operation in found:
        yield operation
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from operation.database_operations


def _of(operation: Any, app: str, fresh: set[str]) -> Iterator[str]:
    if isinstance(operation, operations.RunSQL):
        statements = operation.sql if isinstance(operation.sql, str) else str(operation.sql)
        tables = {name.replace(".", "_") for name in LARGE if name.startswith(app)}
        if _REWRITING.search(statements) and any(table in statements for table in tables):
            yield "SQL that rewrites or scans a large table under a lock; see the other messages"
        return
    model = getattr(operation, "model_name", getattr(operation, "name", "")) or ""
    model = model.lower()
    if f"{app}.{model}" not in LARGE or model in fresh:
        return
    if isinstance(operation, (AddIndexConcurrently, RemoveIndexConcurrently)):
        return
    if isinstance(operation, (operations.AddIndex, operations.RemoveIndex)):
        yield f"{model}: write AddIndexConcurrently, with atomic = False"
    elif isinstance(operation, AddConstraintNotValid):
        return
    elif isinstance(operation, operations.AddConstraint):
        if isinstance(operation.constraint, models.CheckConstraint):
            yield f"{model}: write AddConstraintNotValid, and later ValidateConstraint"
        else:
            yield f"{model}: build the unique index concurrently, then add it by SQL USING INDEX"
    elif isinstance(operation, operations.AddField):
        yield from _of_new_field(operation.field, model, operation.name)
    elif isinstance(operation, operations.AlterField):
        yield f"{model}.{operation.name}: a type or NOT NULL rewrites or scans; add a new column"
    elif isinstance(operation, (operations.RemoveField, operations.RenameField)):
        yield f"{model}: running code reads the column; stop reading it a release before"
    elif isinstance(operation, (operations.DeleteModel, operations.RenameModel)):
        yield f"{model}: running code reads the table; stop reading it a release before"


def _of_new_field(field: Any, model: str, name: str) -> Iterator[str]:
    if field.many_to_many:
        return
    if field.is_relation and field.db_constraint:
        yield f"{model}.{name}: a foreign key locks both tables; add it NOT VALID, validate later"
    if (field.db_index or field.unique) and not field.primary_key:
        yield f"{model}.{name}: its index is built under a lock; add it by AddIndexConcurrently"
    if not field.null and not field.has_db_default():
        # Django drops the default again, so rows of the code that still runs would be refused.
        yield f"{model}.{name}: give it a db_default, or null=True, for the code that still runs"


def migrations_after(released: Mapping[str, int]) -> list[Migration]:
    """Return the migrations of our apps that the last release does not have."""
    loader = MigrationLoader(None)
    ours = {label.partition(".")[0] for label in LARGE}
    return [
        migration
        for (app, name), migration in loader.disk_migrations.items()
        if app in ours and int(name[:4]) > released.get(app, 0)
    ]


def test_no_migration_since_the_last_release_locks_a_large_table() -> None:
    if not RELEASED.exists():
        pytest.skip("nothing is released yet: no old code runs, and nobody has a large table")
    found = [
        offence
        for migration in migrations_after(json.loads(RELEASED.read_text()))
        for offence in offences(migration)
    ]
    assert found == [], "\n".join(found)


def test_migrations_are_read_from_the_apps() -> None:
    every = migrations_after({})
    assert len(every) > 30
    # Some of those before the first release would lock a large table, had anybody one.
    assert any(offences(migration) for migration in every)
    newest = {one.app_label: 9999 for one in every}
    assert migrations_after(newest) == []


def test_the_large_tables_are_models() -> None:
    state = MigrationLoader(None).project_state()
    assert {".".join(key) for key in state.models} >= LARGE


def _migration(*found: Any, app: str = "jobs", **attributes: Any) -> Migration:
    made = Migration("0999_probe", app)
    for name, value in {"operations": list(found), **attributes}.items():
        setattr(made, name, value)
    return made


_INDEX = models.Index(fields=["kind"], name="probe")
_CHECK = models.CheckConstraint(name="probe", condition=models.Q(tries__gte=0))


@pytest.mark.parametrize(
    "operation",
    [
        operations.AddIndex("job", _INDEX),
        operations.AddConstraint("job", _CHECK),
        operations.AddConstraint("job", models.UniqueConstraint(fields=["kind"], name="probe")),
        operations.AddField("job", "probe", models.IntegerField(default=0)),
        operations.AddField("job", "probe", models.IntegerField(null=True, db_index=True)),
        operations.AddField(
            "job", "probe", models.ForeignKey("identity.User", models.PROTECT, null=True)
        ),
        operations.AlterField("job", "kind", models.TextField()),
        operations.RemoveField("job", "kind"),
        operations.RenameField("job", "kind", "sort"),
        operations.DeleteModel("Job"),
        operations.RunSQL("CREATE INDEX probe ON jobs_job (kind)"),
        operations.RunSQL("ALTER TABLE jobs_job ALTER kind TYPE text"),
        operations.SeparateDatabaseAndState(
            [operations.RunSQL("ALTER TABLE jobs_job ADD CONSTRAINT probe CHECK (tries >= 0)")]
        ),
    ],
    ids=lambda operation: operation.describe()[:40],
)
def test_each_kind_of_lock_is_found(operation: Any) -> None:
    assert offences(_migration(operation))
    assert offences(_migration(operation, locks="a reason")) == []


@pytest.mark.parametrize(
    "operation",
    [
        AddIndexConcurrently("job", _INDEX),
        AddConstraintNotValid("job", _CHECK),
        operations.AddField("job", "probe", models.IntegerField(null=True)),
        operations.AddField("job", "probe", models.IntegerField(db_default=0)),
        operations.AddIndex("small", _INDEX),
        operations.RunSQL("CREATE INDEX CONCURRENTLY probe ON jobs_job (kind)"),
        operations.RunSQL("ALTER TABLE jobs_job ADD CONSTRAINT p CHECK (tries >= 0) NOT VALID"),
    ],
    ids=lambda operation: operation.describe()[:40],
)
def test_what_locks_nothing_for_long_is_left_alone(operation: Any) -> None:
    assert offences(_migration(operation)) == []


def test_a_table_made_in_the_same_migration_is_empty() -> None:
    made = operations.CreateModel("Job", [("id", models.BigAutoField(primary_key=True))])
    assert offences(_migration(made, operations.AddIndex("job", _INDEX))) == []
