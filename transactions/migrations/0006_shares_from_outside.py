"""Mark shares from outside as acquired: they may replace a loss on the day of their acquisition.

Shares that a corporate action turned into another asset were received, not acquired. The wash
sales themselves follow with the next rebooking of each asset.
"""

from django.db import migrations

_MARK = """
UPDATE {table} derived SET purchase = true
  FROM transactions_transaction arrival
 WHERE arrival.id = derived.{lot} AND arrival.asset_id = derived.asset_id
   AND arrival.type = 'transfer_in' AND arrival.counterpart_id IS NULL AND NOT derived.purchase
"""


class Migration(migrations.Migration):
    dependencies = [("transactions", "0005_events_and_recognition_of_files")]

    operations = [
        migrations.RunSQL(
            sql=_MARK.format(table="transactions_lot", lot="transaction_id"),
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            sql=_MARK.format(table="transactions_disposal", lot="lot_transaction_id"),
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
