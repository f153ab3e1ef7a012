"""Households that a decision concerns are listed once, where a cursor went through them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0008_known_exchanges")]

    operations = [
        migrations.RemoveField(model_name="identitydecision", name="applied_through"),
        migrations.AddField(
            model_name="identitydecision",
            name="listed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
