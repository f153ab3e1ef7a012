"""Operations of a migration that are rendered once: the same models, columns and indexes."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState, StateApps

from stores.schema import Together

ADDING = {"AddField", "AddIndex", "AddConstraint", "AddTrigger"}
MADE = [
    migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))]),
    migrations.CreateModel("Book", [("id", models.BigAutoField(primary_key=True))]),
    migrations.CreateModel(
        "Page",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("book", models.ForeignKey("library.Book", models.CASCADE)),
        ],
    ),
]
ADDED: list[Any] = [
    migrations.AddField("Book", "year", models.IntegerField(default=1)),
    migrations.AddField("Book", "shelf", models.ForeignKey("library.Shelf", models.CASCADE)),
    migrations.AddIndex("Book", models.Index(fields=["year"], name="library_year")),
    migrations.AddConstraint(
        "Book", models.CheckConstraint(condition=models.Q(year__gt=0), name="library_after_zero")
    ),
]


def library() -> ProjectState:
    state = ProjectState()
    for operation in MADE:
        operation.state_forwards("library", state)
    return state


def options_of(state: ProjectState) -> dict[str, Any]:
    model = state.models["library", "book"]
    return {"fields": list(model.fields), "options": model.options}


def test_models_are_rendered_once_and_as_operations_one_by_one_render_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone, together = library(), library()
    for operation in ADDED:
        operation.state_forwards("library", alone)
    rendered: list[int] = []
    before = together.apps.get_model("library", "Book")
    original = StateApps.render_multiple

    def counted(self: StateApps, states: list[Any]) -> None:
        rendered.append(len(states))
        original(self, states)

    monkeypatch.setattr(StateApps, "render_multiple", counted)
    Together(ADDED).state_forwards("library", together)
    assert len([count for count in rendered if count]) == 1, rendered
    assert options_of(together) == options_of(alone)
    book = together.apps.get_model("library", "Book")
    assert book is not before
    assert [field.name for field in book._meta.get_fields()] == [
        field.name for field in alone.apps.get_model("library", "Book")._meta.get_fields()
    ]
    for name, field in (("Page", "book"), ("Book", "shelf")):
        related = together.apps.get_model("library", name)._meta.get_field(field).related_model
        assert related is together.apps.get_model("library", str(related.__name__))


def test_a_state_that_was_never_rendered_stays_so() -> None:
    state = library()
    Together(ADDED).state_forwards("library", state)
    assert "apps" not in state.__dict__
    assert "shelf" in state.models["library", "book"].fields


def made_of(table: str) -> tuple[set[str], set[str]]:
    """Return the columns, and the indexes and checks that the operations name."""
    with connection.cursor() as cursor:
        columns = {
            row.name for row in connection.introspection.get_table_description(cursor, table)
        }
        named = connection.introspection.get_constraints(cursor, table)
    return columns, {"library_year", "library_after_zero"} & set(named)


@pytest.mark.django_db
def test_columns_indexes_and_checks_come_and_go() -> None:
    first, last = library(), library()
    operation = Together(ADDED)
    operation.state_forwards("library", last)
    with connection.schema_editor() as editor:
        for made in MADE:
            made.database_forwards("library", editor, ProjectState(), first)
        before = made_of("library_book")
        operation.database_forwards("library", editor, first, last)
        assert made_of("library_book") == (
            {"id", "year", "shelf_id"},
            {"library_year", "library_after_zero"},
        )
        operation.database_backwards("library", editor, last, first)
        assert made_of("library_book") == before == ({"id"}, set())
        editor.deferred_sql.clear()  # the foreign key of a column that is gone


def groups() -> Iterator[tuple[str, Together]]:
    labels = {config.label for config in apps.get_app_configs()}
    loader = MigrationLoader(None)
    assert loader.disk_migrations is not None
    for (label, name), migration in loader.disk_migrations.items():
        for operation in migration.operations if label in labels else ():
            if isinstance(operation, Together):
                yield f"{label}.{name}", operation


def test_migrations_put_only_additions_together() -> None:
    found = dict(groups())
    assert len(found) >= 5
    for name, group in found.items():
        assert {type(operation).__name__ for operation in group.operations} <= ADDING, name
        assert group.reversible
        assert group.references_model(group.operations[0].model_name, name.split(".")[0])
        assert group.operations[0].describe() in group.describe()
