"""Runs of the check that every derived row follows from the transactions."""

from django.db import models


class VerificationStatus(models.TextChoices):
    RUNNING = "running"
    RIGHT = "right", "Everything is what the transactions say"
    WRONG = "wrong", "Differences found"


class VerificationRun(models.Model):
    """One run over all households; after a kill it resumes after the last household finished."""

    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=8, choices=VerificationStatus.choices, default=VerificationStatus.RUNNING
    )
    last_household_id = models.BigIntegerField(default=0)
    households = models.BigIntegerField(default=0)
    accounts = models.BigIntegerField(default=0)
    transactions = models.BigIntegerField(default=0)
    difference_count = models.BigIntegerField(default=0)
    # The first differences: [{"account_id", "what", "key", "stored", "computed"}].
    differences = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="verification_run_finished_has_verdict",
                condition=models.Q(finished_at__isnull=True, status="running")
                | models.Q(finished_at__isnull=False, status__in=["right", "wrong"]),
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.status}"
