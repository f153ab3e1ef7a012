"""Models of risk assessments and of fitted allocations."""

from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from identity.models import Household, User, household_ids
from jobs.models import Job
from recommendations.allocations.problem import MODEL_CHOICES
from recommendations.allocations.questionnaire import PROFILE_NAMES


class AssessmentQuerySet(models.QuerySet["RiskAssessment"]):
    def for_user(self, user: User) -> "AssessmentQuerySet":
        return self.filter(household_id__in=household_ids(user))


class RiskAssessment(models.Model):
    """A filled questionnaire with the profile it gave. It never changes; the newest counts."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # The version of the questions, points and limits.
    method = models.CharField(max_length=32)
    # By the id of each question, the id of the choice.
    answers = models.JSONField()
    tolerance = models.PositiveSmallIntegerField()
    capacity = models.PositiveSmallIntegerField()
    profile = models.CharField(max_length=16, choices=PROFILE_NAMES)
    cautions = models.JSONField(default=list)
    created_at = models.DateTimeField()

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        indexes = [
            # The newest of a household.
            models.Index(fields=["household", "-created_at", "-id"], name="assessment_newest")
        ]

    def __str__(self) -> str:
        return f"{self.profile} {self.public_id}"


class AllocationQuerySet(models.QuerySet["AllocationModel"]):
    def for_user(self, user: User) -> "AllocationQuerySet":
        return self.filter(household_id__in=household_ids(user))


class AllocationModel(models.Model):
    """A request for target weights from a model, and the result once its job has fitted it.

    Its id is that of its job. `request` is what was asked; `result` never changes once written.
    """

    public_id = models.UUIDField(unique=True, editable=False)
    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="allocation")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    model = models.CharField(max_length=32, choices=MODEL_CHOICES)
    request = models.JSONField()
    engine_version = models.CharField(max_length=16)
    # Canonical JSON kept as text, to the byte.
    result = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField()
    fitted_at = models.DateTimeField(null=True, blank=True)

    objects = AllocationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="allocation_result_has_time",
                condition=Q(result__isnull=True, fitted_at__isnull=True)
                | Q(result__isnull=False, fitted_at__isnull=False),
            )
        ]
        indexes = [
            # The models of a household, newest first.
            models.Index(fields=["household", "-created_at", "-id"], name="allocation_newest")
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.public_id}"
