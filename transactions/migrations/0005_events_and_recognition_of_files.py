from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("transactions", "0004_policy_rebookings"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="format_score",
            field=models.DecimalField(blank=True, decimal_places=3, max_digits=4, null=True),
        ),
        migrations.AddField(
            model_name="importrow",
            name="event",
            field=models.CharField(blank=True, default="", max_length=160),
            preserve_default=False,
        ),
    ]
