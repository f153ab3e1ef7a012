"""The table of daily prices, partitioned by year. The model of the same name is not managed.

Django makes plain tables, so the parent, its first partitions and the default one are SQL. Years after
the last one here are made ahead by `operations.ensure_partitions`. A row of a year without a
partition is kept by the default partition, and an alert says so.
"""

from django.db import migrations

FIRST_YEAR = 2010
LAST_YEAR = 2027

PARENT = """
CREATE TABLE marketdata_dailyprice (
    asset_id bigint NOT NULL,
    date date NOT NULL,
    open numeric(24, 8),
    high numeric(24, 8),
    low numeric(24, 8),
    close numeric(24, 8) NOT NULL CONSTRAINT daily_price_close_positive CHECK (close > 0),
    volume bigint,
    PRIMARY KEY (asset_id, date)
) PARTITION BY RANGE (date);
CREATE TABLE marketdata_dailyprice_default PARTITION OF marketdata_dailyprice DEFAULT;
CREATE TABLE marketdata_dailyprice_before_2010 PARTITION OF marketdata_dailyprice
    FOR VALUES FROM (MINVALUE) TO ('2010-01-01');
"""

YEARS = "\n".join(
    f"CREATE TABLE marketdata_dailyprice_{year} PARTITION OF marketdata_dailyprice "
    f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01');"
    for year in range(FIRST_YEAR, LAST_YEAR + 1)
)

# One row per asset, updated every few seconds: room for the new version in the same page.
FILLFACTOR = "ALTER TABLE marketdata_latestprice SET (fillfactor = 50)"


class Migration(migrations.Migration):

    dependencies = [("marketdata", "0001_first_release")]

    operations = [
        migrations.RunSQL(PARENT + YEARS, "DROP TABLE marketdata_dailyprice"),
        migrations.RunSQL(FILLFACTOR, "ALTER TABLE marketdata_latestprice RESET (fillfactor)"),
    ]
