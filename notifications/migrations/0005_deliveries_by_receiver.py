from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_browsers")]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="delivery_waiting_for"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["channel", "address", "urgent", "next_at"],
                name="delivery_of_receiver",
                condition=Q(state="waiting"),
            ),
        ),
    ]
