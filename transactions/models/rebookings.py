"""Pending rebookings: households whose ledger a decision or a new policy affects."""

from django.db import models

from identity.models import Household
from marketdata.models import IdentityDecision

ERROR_LENGTH_MAX = 500


class Rebooking(models.Model):
    """A household that must be rebooked: after a decision on identity, or, without a decision,
    after a change of its wash-sale policy.

    The row is deleted when the household is rebooked. After a failure the row holds the error and
    the time of the retry. No other household waits for it.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    decision = models.ForeignKey(
        IdentityDecision,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="rebookings",
        db_index=False,
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    error = models.CharField(max_length=ERROR_LENGTH_MAX, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["decision", "household"], name="rebooking_once"),
            models.UniqueConstraint(
                fields=["household"],
                condition=models.Q(decision__isnull=True),
                name="rebooking_once_for_a_policy",
            ),
        ]
        indexes = [
            # For due rows, the longest waiting first.
            models.Index(fields=["next_at", "id"], name="rebooking_due"),
        ]

    def __str__(self) -> str:
        cause = f"decision {self.decision_id}" if self.decision_id else "a change of its policy"
        return f"household {self.household_id} after {cause}"
