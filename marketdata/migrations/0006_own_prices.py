"""A household's own prices: of its own assets, and of public assets that no feed knows.

Prices of own assets were daily prices and newest prices; they move here. A trigger counts the
statements that write a household's prices, as others count those that write closes.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

COUNTING = """
CREATE FUNCTION marketdata_count_own_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO marketdata_seriesversion (series, version)
    SELECT 'own:' || one.household_id, 1
      FROM (SELECT DISTINCT household_id FROM changed) one
     ORDER BY one.household_id
    ON CONFLICT (series) DO UPDATE SET version = marketdata_seriesversion.version + 1;
    RETURN NULL;
END $$;
""" + "".join(
    f"""
CREATE TRIGGER count_own_prices_{event.lower()} AFTER {event} ON marketdata_ownprice
    REFERENCING {image} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketdata_count_own_prices();
"""
    for event, image in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)
MOVING = """
INSERT INTO marketdata_ownprice (household_id, asset_id, date, price, stated, stated_currency,
                                 origin, recorded_at, recorded_by_id)
SELECT asset.household_id, asset.id, daily.date, daily.close, daily.close, asset.currency,
       'manual', now(), member.id
  FROM marketdata_asset asset
  JOIN marketdata_dailyprice daily ON daily.asset_id = asset.id
  JOIN LATERAL (SELECT id FROM identity_user WHERE household_id = asset.household_id
                 ORDER BY id LIMIT 1) member ON true
 WHERE asset.household_id IS NOT NULL;
DELETE FROM marketdata_dailyprice
 WHERE asset_id IN (SELECT id FROM marketdata_asset WHERE household_id IS NOT NULL);
DELETE FROM marketdata_latestprice
 WHERE asset_id IN (SELECT id FROM marketdata_asset WHERE household_id IS NOT NULL);
"""


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("marketdata", "0005_corporate_actions"),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnPrice",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "household_id", "asset_id", "date", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("date", models.DateField()),
                ("price", models.DecimalField(decimal_places=8, max_digits=24)),
                ("adjusted_until", models.DateField(blank=True, null=True)),
                ("stated", models.DecimalField(decimal_places=8, max_digits=24)),
                ("stated_currency", models.CharField(max_length=3)),
                ("nominal", models.DecimalField(blank=True, decimal_places=8, max_digits=24, null=True)),
                (
                    "origin",
                    models.CharField(choices=[("manual", "By hand"), ("file", "From a file")], max_length=8),
                ),
                ("recorded_at", models.DateTimeField()),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="marketdata.asset"
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_prices",
                        to="identity.household",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("price__gt", 0), ("stated__gt", 0)), name="own_price_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("nominal__isnull", True), ("nominal__gt", 0), _connector="OR"),
                        name="own_price_nominal_positive",
                    ),
                ],
            },
        ),
        migrations.RunSQL(COUNTING, "DROP FUNCTION marketdata_count_own_prices() CASCADE"),
        migrations.RunSQL(MOVING, migrations.RunSQL.noop),
    ]
