from django.db import migrations, models

from core import limits

# The transactions of fills may have been corrected; what they came to is the best that is known.
FILL_REPORTED = """
UPDATE transactions_orderfill AS fill SET reported_amount = row.amount
FROM transactions_transaction AS row, transactions_order AS placed
WHERE row.id = fill.transaction_id AND placed.id = fill.order_id AND placed.broker <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("transactions", "0018_simulated_broker")]

    operations = [
        migrations.AddField(
            model_name="orderfill",
            name="reported_amount",
            field=models.DecimalField(
                blank=True,
                decimal_places=limits.MONEY_DECIMALS,
                max_digits=limits.MONEY_DIGITS,
                null=True,
            ),
        ),
        migrations.RunSQL(FILL_REPORTED, migrations.RunSQL.noop),
    ]
