"""Replace what a corporate action booked in an account by what the account's broker states."""

from datetime import datetime

from django.db import transaction

from identity.models import User
from stores.locks import locked
from transactions.ledger.entries import Entry
from transactions.models import Account, ActionRun, AppliedAction, Import
from transactions.operations.drafts import drafts
from transactions.operations.ledger import correct, reverse_all
from transactions.operations.told_actions import AppliedActions
from transactions.queries.households import household_of


def restate(
    *, account: Account, entry: Entry, user: User, now: datetime, import_batch: Import
) -> None:
    """Correct the booked action to the entry, which then counts as the account's own record.

    The sale of a fraction that the action booked beside it is reversed: the broker states its own.
    """
    with transaction.atomic():
        household = household_of(household_id=account.household_id, accounts={account.pk: account})
        (draft,) = drafts(household=household, account=account, entries=[entry], user=user, now=now)
        applied = AppliedActions.of_account(account_id=account.pk)
        found = applied.match(entry=draft.entry, asset=draft.asset, amounts=draft.amounts)
        if found is None:
            return  # another file has restated it meanwhile
        parts = AppliedAction.objects.filter(
            action=found.row.action_id, account=account, part__gt=0, told=False
        ).select_related("transaction__account")
        sold = [part.transaction for part in parts]
        if sold:
            reverse_all(originals=sold, user=user, now=now, events_max=None)
            parts.delete()
        row, *_ = correct(
            original=found.standing,
            entry=entry,
            user=user,
            now=now,
            note="The broker states this corporate action itself",
            import_batch=import_batch,
            events_max=None,
        )
        AppliedAction.objects.filter(pk=found.row.pk).update(transaction=row, told=True)


def book_restated_again(*, import_batch: Import, now: datetime) -> None:
    """Let a worker book the actions whose figures a file replaced, as the file is undone.

    Call it before the household's accounts are locked: a worker locks the run first, too.
    """
    told = AppliedAction.objects.filter(
        transaction__import_batch=import_batch, transaction__corrects__isnull=False, told=True
    )
    actions = list(told.values_list("action_id", flat=True))
    if not actions:
        return
    runs = ActionRun.objects.filter(
        action_id__in=actions, household_id=import_batch.account.household_id, undo=False
    )
    for run in locked(runs):
        run.done_at, run.next_at = None, now
        run.save(update_fields=["done_at", "next_at"])
    told.delete()
