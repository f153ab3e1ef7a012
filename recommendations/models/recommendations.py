"""Model of recommendations, each stored with the inputs from which it can be replayed."""

import pghistory
from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from identity.models import User, household_ids
from jobs.models import Job
from recommendations.models.nightly import NightlyRun
from transactions.models import Account


class RecommendationKind(models.TextChoices):
    REBALANCE = "rebalance"
    HARVEST = "harvest"


class RecommendationStatus(models.TextChoices):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    # A later night proposed something else, or nothing.
    SUPERSEDED = "superseded"


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def for_user(self, user: User) -> "RecommendationQuerySet":
        return self.filter(account__household_id__in=household_ids(user))


@pghistory.track(
    pghistory.UpdateEvent(condition=pghistory.AnyChange("decided_by")),
    fields=["status", "decided_by"],
)
class Recommendation(models.Model):
    """Proposed trades for one account. Replaying `inputs` gives `result` again, byte for byte.

    Those of a night are kept packed (`NightlyBlock`) until somebody decides on them; only then are
    their texts written.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="recommendations")
    job = models.OneToOneField(
        Job, null=True, on_delete=models.PROTECT, related_name="recommendation"
    )
    run = models.ForeignKey(
        NightlyRun, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=16)
    status = models.CharField(
        max_length=16,
        choices=RecommendationStatus.choices,
        default=RecommendationStatus.PROPOSED,
    )
    engine_version = models.CharField(max_length=16)
    # Canonical JSON kept as text: the inputs and the result, to the byte.
    inputs = models.TextField(null=True, blank=True)
    result = models.TextField(null=True, blank=True)
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
            # The next night supersedes what nobody decided on.
            models.Index(
                fields=["account"],
                name="recommendation_of_a_night",
                condition=Q(run__isnull=False, status="proposed"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="recommendation_has_its_texts",
                condition=Q(inputs__isnull=False, result__isnull=False) | Q(run__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["run", "account"],
                name="recommendation_once_a_night",
                condition=Q(run__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
