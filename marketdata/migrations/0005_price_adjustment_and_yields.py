from django.db import migrations, models

CHOICES = [
    ("none", "As traded"),
    ("splits", "Splits"),
    ("splits_and_dividends", "Splits and dividends"),
]


def mark_adjusted_samples(apps, schema_editor):
    """The demo's US shares came adjusted for splits and dividends; nothing else did."""
    asset = apps.get_model("marketdata", "Asset")
    asset.objects.filter(household=None, source__name="skfolio").update(
        price_adjustment="splits_and_dividends"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0004_every_event"),
    ]

    operations = [
        migrations.AddField(
            model_name="asset",
            name="price_adjustment",
            field=models.CharField(choices=CHOICES, default="none", max_length=24),
        ),
        migrations.CreateModel(
            name="Yield",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("series", models.CharField(max_length=64)),
                ("currency", models.CharField(max_length=3)),
                ("date", models.DateField()),
                ("rate", models.DecimalField(decimal_places=6, max_digits=9)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "date", "series"), name="yield_unique"
                    )
                ],
            },
        ),
        migrations.RunPython(mark_adjusted_samples, migrations.RunPython.noop),
    ]
