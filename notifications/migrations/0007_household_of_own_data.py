from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0006_own_data_archive")]

    operations = [
        migrations.AddField(
            model_name="owndataarchive",
            name="of_household_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
    ]
