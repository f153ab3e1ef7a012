from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transactions", "0019_amount_reported_of_fills")]

    operations = [
        # One trade may be ordered in parts. How much is ordered is checked under the lock of the
        # household.
        migrations.RemoveConstraint(model_name="order", name="order_once_a_trade"),
    ]
