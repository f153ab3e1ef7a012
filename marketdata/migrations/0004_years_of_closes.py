"""Closes packed by year, kept by triggers, whoever writes daily prices.

    INSERT, UPDATE, DELETE   the years that the statement touched are packed again from their rows

The trigger that counts versions goes first (triggers go by name) and locks the asset's version
until the commit. So writers of one asset take turns, and the later one packs the rows of both. An
UPDATE packs the years of the rows before it too, because it may move a row to another year.
"""

import django.db.models.deletion
from django.db import migrations, models

PACK = """
INSERT INTO marketdata_yearofcloses (asset_id, year, days, closes)
SELECT one.asset_id, one.year,
       string_agg((price.date - DATE '0001-01-01' + 1)::text, ' ' ORDER BY price.date),
       string_agg(price.close::text, ' ' ORDER BY price.date)
  FROM (SELECT DISTINCT asset_id, extract(year FROM date)::smallint AS year FROM {rows}) one
  JOIN marketdata_dailyprice price
    ON price.asset_id = one.asset_id
   AND price.date BETWEEN make_date(one.year, 1, 1) AND make_date(one.year, 12, 31)
 GROUP BY one.asset_id, one.year;
"""
FUNCTION = f"""
CREATE FUNCTION marketdata_pack_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM marketdata_yearofcloses packed
     USING (SELECT DISTINCT asset_id, extract(year FROM date)::smallint AS year FROM changed) one
     WHERE packed.asset_id = one.asset_id AND packed.year = one.year;
    {PACK.format(rows="changed")}
    RETURN NULL;
END $$;
"""
TRIGGERS = "".join(
    f"""
CREATE TRIGGER pack_closes_{name} AFTER {event} ON marketdata_dailyprice
    REFERENCING {image} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketdata_pack_closes();
"""
    for name, event, image in (
        ("insert", "INSERT", "NEW"),
        ("update", "UPDATE", "NEW"),
        ("update_from", "UPDATE", "OLD"),
        ("delete", "DELETE", "OLD"),
    )
)


class Migration(migrations.Migration):

    dependencies = [("marketdata", "0003_series_triggers")]

    operations = [
        migrations.CreateModel(
            name="YearOfCloses",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "asset_id", "year", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("year", models.SmallIntegerField()),
                ("days", models.TextField()),
                ("closes", models.TextField()),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="marketdata.asset",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION marketdata_pack_closes() CASCADE"),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
        migrations.RunSQL(PACK.format(rows="marketdata_dailyprice"), migrations.RunSQL.noop),
    ]
