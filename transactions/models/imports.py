"""Files of transactions, as they were brought and as they are understood."""

from django.db import models

from core.identifiers import uuid7
from identity.models import User
from transactions.models.accounts import Account


class Import(models.Model):
    """A file of transactions somebody brought; what came of it is undone as one."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="imports")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.public_id)
