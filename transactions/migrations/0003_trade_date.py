"""Add the trade date to transactions, and the days of opening and closing to derived rows.

Existing rows get the UTC day of their instant. A column that is generated first and plain afterwards
fills them without an UPDATE, so the append-only trigger stays in force throughout.
"""

from django.db import migrations, models

_ADD = """
ALTER TABLE {table}
    ADD COLUMN {column} date NOT NULL
    GENERATED ALWAYS AS (({instant} AT TIME ZONE 'UTC')::date) STORED;
ALTER TABLE {table} ALTER COLUMN {column} DROP EXPRESSION;
"""
_COLUMNS = (
    ("transaction", "trade_date", "executed_at"),
    ("lot", "opened_date", "opened_at"),
    ("disposal", "opened_date", "opened_at"),
    ("disposal", "closed_date", "closed_at"),
)


def _added(model: str, column: str, instant: str) -> migrations.SeparateDatabaseAndState:
    table = f"transactions_{model}"
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(
                sql=_ADD.format(table=table, column=column, instant=instant),
                reverse_sql=f"ALTER TABLE {table} DROP COLUMN {column};",
            )
        ],
        state_operations=[
            migrations.AddField(model_name=model, name=column, field=models.DateField())
        ],
    )


class Migration(migrations.Migration):
    dependencies = [("transactions", "0002_losses_replaced")]

    operations = [
        *(_added(*column) for column in _COLUMNS),
        migrations.RemoveIndex(model_name="disposal", name="disposal_by_date"),
        migrations.AddIndex(
            model_name="disposal",
            index=models.Index(fields=["account", "closed_date", "id"], name="disposal_by_date"),
        ),
    ]
