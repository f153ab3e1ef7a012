"""Model of recommendations, each stored with the inputs from which it can be replayed."""

import pghistory
from django.db import models

from core.identifiers import uuid7
from identity.models import User, household_ids
from jobs.models import Job
from transactions.models import Account


class RecommendationKind(models.TextChoices):
    REBALANCE = "rebalance"
    HARVEST = "harvest"


class RecommendationStatus(models.TextChoices):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def for_user(self, user: User) -> "RecommendationQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), fields=["status", "decided_by"])
class Recommendation(models.Model):
    """Proposed trades for one account. Replaying `inputs` gives `result` again, byte for byte."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="recommendations")
    job = models.OneToOneField(
        Job, null=True, on_delete=models.PROTECT, related_name="recommendation"
    )
    kind = models.CharField(max_length=16)
    status = models.CharField(
        max_length=16,
        choices=RecommendationStatus.choices,
        default=RecommendationStatus.PROPOSED,
    )
    engine_version = models.CharField(max_length=16)
    # Canonical JSON kept as text: the inputs and the result, to the byte.
    inputs = models.TextField()
    result = models.TextField()
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["account", "-created_at", "-id"], name="recommendation_newest"),
            # Operators: recommendations that wait for a decision, and rejected ones.
            models.Index(fields=["status", "-id"], name="recommendation_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
