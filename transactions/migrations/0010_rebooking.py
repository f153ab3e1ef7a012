"""Households that a decision on identity reaches and that are not rebooked yet."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0001_initial"),
        ("marketdata", "0009_decisions_listed"),
        ("transactions", "0009_disposal_piece"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rebooking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField()),
                ("error", models.CharField(blank=True, max_length=500)),
                ("decision", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="rebookings", to="marketdata.identitydecision")),
                ("household", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="identity.household")),
            ],
            options={
                "indexes": [models.Index(fields=["next_at", "id"], name="rebooking_due")],
                "constraints": [models.UniqueConstraint(fields=("decision", "household"), name="rebooking_once")],
            },
        ),
    ]
