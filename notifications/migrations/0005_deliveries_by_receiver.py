from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    # Workers go on meanwhile; the new index is there before the old one goes.
    atomic = False

    dependencies = [("notifications", "0004_browsers")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                fields=["channel", "address", "urgent", "next_at"],
                name="delivery_of_receiver",
                condition=Q(state="waiting"),
            ),
        ),
        RemoveIndexConcurrently(model_name="delivery", name="delivery_waiting_for"),
    ]
