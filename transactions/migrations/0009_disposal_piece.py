"""What the piece of a lot was that a sale took: with it the lot can be restored."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transactions", "0008_append_only_trail")]

    operations = [
        migrations.AddField(
            model_name="disposal",
            name="replaces_loss",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="disposal",
            name="purchase",
            field=models.BooleanField(default=True),
        ),
    ]
