from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0012_reconciliations'),
    ]

    operations = [
        migrations.AddField(
            model_name='appliedaction',
            name='units',
            field=models.DecimalField(decimal_places=10, default=Decimal(0), max_digits=28),
            preserve_default=False,
        ),
    ]
