"""Counts every statement that writes closes, fixings or yields, whoever sends it.

Triggers instead of a rule for writers: an answer computed from a series is valid while its version
is unchanged, and a writer that forgot to raise it would leave wrong figures for ten minutes.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION marketdata_count_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO marketdata_seriesversion (series, version)
    SELECT 'closes:' || one.asset_id, 1
      FROM (SELECT DISTINCT asset_id FROM changed) one
     ORDER BY one.asset_id
    ON CONFLICT (series) DO UPDATE SET version = marketdata_seriesversion.version + 1;
    RETURN NULL;
END $$;
CREATE FUNCTION marketdata_count_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO marketdata_seriesversion (series, version) VALUES (TG_ARGV[0], 1)
    ON CONFLICT (series) DO UPDATE SET version = marketdata_seriesversion.version + 1;
    RETURN NULL;
END $$;
"""
DROP_FUNCTIONS = """
DROP FUNCTION marketdata_count_closes() CASCADE;
DROP FUNCTION marketdata_count_series() CASCADE;
"""
CLOSES = """
CREATE TRIGGER count_closes_{event} AFTER {event} ON marketdata_dailyprice
    REFERENCING {image} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketdata_count_closes();
"""
SERIES = """
CREATE TRIGGER count_{name} AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION marketdata_count_series('{name}');
"""
TRIGGERS = "".join(
    [
        *(
            CLOSES.format(event=event, image=image)
            for event, image in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
        ),
        SERIES.format(name="fixings", table="marketdata_exchangerate"),
        SERIES.format(name="yields", table="marketdata_yield"),
    ]
)


class Migration(migrations.Migration):

    dependencies = [("marketdata", "0002_daily_price_partitions")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
    ]
