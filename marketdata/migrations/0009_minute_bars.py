"""Minute bars, partitioned by month, and the trades of the last days, partitioned by day.

Prices are whole numbers of 10^-8, as engines read them: a bar takes the same 84 bytes as with
numeric columns, and neither its roll-up nor its copy converts anything. One unit of a security may
cost up to 92 billion.

Half of each page of a month's first partition is left free: while a minute lasts, each of its bars
is written again every second, in place. A finished month is written again in the order of its key
(`operations.settling`).
"""

from django.db import migrations, models

FIRST_MONTH = (2025, 1)
MONTHS = 36

PARENTS = """
CREATE TABLE marketdata_minutebar (
    asset_id bigint NOT NULL,
    at timestamptz NOT NULL,
    open bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    close bigint NOT NULL,
    volume bigint NOT NULL,
    CONSTRAINT minute_bar_in_order
        CHECK (low > 0 AND low <= open AND low <= close AND high >= open AND high >= close),
    CONSTRAINT minute_bar_volume_not_negative CHECK (volume >= 0),
    PRIMARY KEY (asset_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE marketdata_minutebar_default PARTITION OF marketdata_minutebar DEFAULT;
CREATE TABLE marketdata_tick (
    asset_id bigint NOT NULL,
    at timestamptz NOT NULL,
    number bigint NOT NULL,
    price bigint NOT NULL CONSTRAINT tick_price_positive CHECK (price > 0),
    size bigint NOT NULL CONSTRAINT tick_size_not_negative CHECK (size >= 0),
    PRIMARY KEY (asset_id, at, number)
) PARTITION BY RANGE (at);
CREATE TABLE marketdata_tick_default PARTITION OF marketdata_tick DEFAULT;
"""


def _month(number: int) -> str:
    year, month = divmod(FIRST_MONTH[0] * 12 + FIRST_MONTH[1] - 1 + number, 12)
    return f"{year}-{month + 1:02}-01"


MONTHLY = "\n".join(
    f"CREATE TABLE marketdata_minutebar_{_month(number)[:7].replace('-', '_')} "
    "PARTITION OF marketdata_minutebar "
    f"FOR VALUES FROM ('{_month(number)} 00:00:00+00') TO ('{_month(number + 1)} 00:00:00+00') "
    "WITH (fillfactor = 50);"
    for number in range(MONTHS)
)


def _described(name: str, *key: str, prices: tuple[str, ...]) -> migrations.CreateModel:
    """Tell Django of a table that the SQL below creates."""
    return migrations.CreateModel(
        name=name,
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    *key, blank=True, editable=False, primary_key=True, serialize=False
                ),
            ),
            ("at", models.DateTimeField()),
            *((field, models.BigIntegerField()) for field in prices),
        ],
        options={"db_table": f"marketdata_{name.lower()}", "managed": False},
    )


class Migration(migrations.Migration):

    dependencies = [("marketdata", "0008_expense_ratio")]

    operations = [
        _described("MinuteBar", "asset_id", "at", prices=("open", "high", "low", "close", "volume")),
        _described("Tick", "asset_id", "at", "number", prices=("number", "price", "size")),
        migrations.RunSQL(
            PARENTS + MONTHLY, "DROP TABLE marketdata_minutebar; DROP TABLE marketdata_tick"
        ),
    ]
