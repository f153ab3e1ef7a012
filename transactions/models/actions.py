"""Corporate actions in households: what is due, and which transactions are the action."""

from django.db import models
from django.db.models import Q

from identity.models import Household, User
from marketdata.models import CorporateAction
from transactions.models.accounts import Account, quantity_field
from transactions.models.rebookings import ERROR_LENGTH_MAX
from transactions.models.transactions import Transaction


class ActionRun(models.Model):
    """One household's part of a corporate action: due until `done_at`.

    `undo`: what the action booked is to be reversed. After a failure the row holds the error and
    the time of the retry. No other household waits for it.
    """

    action = models.ForeignKey(CorporateAction, on_delete=models.CASCADE, related_name="runs")
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    # Whose confirmation or withdrawal it is; its transactions are recorded in this name.
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    undo = models.BooleanField(default=False)
    # Units tendered in an exchange offer, by the public id of the account.
    tendered = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    error = models.CharField(max_length=ERROR_LENGTH_MAX, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "household"], name="action_run_once"),
        ]
        indexes = [
            # For due rows, the longest waiting first.
            models.Index(
                fields=["next_at", "id"], name="action_run_due", condition=Q(done_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"household {self.household_id}: {self.action}"


class AppliedAction(models.Model):
    """A transaction of an account that is a corporate action: booked by it, or told before.

    An action has at most one row for each part of each account, so it is never booked twice.
    """

    action = models.ForeignKey(CorporateAction, on_delete=models.PROTECT, related_name="applied")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="applied_actions")
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="applied_actions"
    )
    # Held at the beginning of the ex-day.
    units = quantity_field()
    # 0: the action itself; 1: the sale of a fraction that a merger leaves.
    part = models.PositiveSmallIntegerField(default=0)
    # The account had told it, or told it later; withdrawing the action does not reverse it.
    told = models.BooleanField()
    applied_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["action", "account", "part"], name="applied_action_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} is action {self.action_id}"
