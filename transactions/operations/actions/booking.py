"""Book a corporate action in a household, or reverse it. The household is locked first.

    load      the action's run, locked; then the accounts of the household
    compute   the plan: holders, own records of the action, and the transactions to book
    save      transactions, lots and cash; links from them to the action; the end of the run

All of it is one transaction, so a killed worker leaves either nothing or everything. Booking again
finds every account applied and writes nothing.
"""

from dataclasses import replace
from datetime import datetime

from core.errors import BallastError, Conflict
from marketdata.models import CorporateAction
from transactions.ledger.security_events import quantity_of
from transactions.models import ActionRun, AppliedAction, Transaction
from transactions.operations.actions.planning import Part, planned
from transactions.operations.books.booking import EVENTS_IN_A_REQUEST_MAX
from transactions.operations.books.households import lock_household
from transactions.operations.drafts import Draft
from transactions.operations.ledger import record_made, reverse_all
from transactions.queries.households import HouseholdBooks


def book(*, run: ActionRun, now: datetime, events_max: int | None = EVENTS_IN_A_REQUEST_MAX) -> int:
    """Bring a household up to its locked run; return the number of transactions written.

    Raises the ledger's refusal; the caller's transaction is then rolled back.
    """
    action = CorporateAction.objects.select_related("asset", "new_asset").get(pk=run.action_id)
    if run.undo:
        count = _undone(run, action, now, events_max)
    else:
        household = lock_household(household_id=run.household_id)
        count = _booked(run, household, action, now, events_max)
    run.done_at, run.error = now, ""
    run.save(update_fields=["done_at", "error"])
    return count


def _booked(
    run: ActionRun,
    household: HouseholdBooks,
    action: CorporateAction,
    now: datetime,
    events_max: int | None,
) -> int:
    plan = planned(household=household, action=action, now=now, tendered=run.tendered)
    made: list[Draft] = []
    owners: list[tuple[Part, int]] = []
    for part in plan.parts:
        if part.refusal is not None:
            raise part.refusal
        for number, draft in enumerate(part.drafts):
            note = f"Booked from the corporate action of {action.ex_date}"
            entry = replace(draft.entry, note=note)
            made.append(replace(draft, item=len(made), entry=entry))
            owners.append((part, number))
    rows: list[Transaction] = []
    if made:
        rows = record_made(
            household=household, made=made, user=run.decided_by, now=now, events_max=events_max
        )
    applied = [
        AppliedAction(
            action=action,
            account=part.account,
            transaction=row,
            units=quantity_of(part.units.at_ex_date),
            part=number,
            told=False,
            applied_at=now,
        )
        for (part, number), row in zip(owners, rows, strict=True)
    ]
    applied += [
        AppliedAction(
            action=action,
            account=part.account,
            transaction_id=part.told,
            units=quantity_of(part.units.at_ex_date),
            told=True,
            applied_at=now,
        )
        for part in plan.parts
        if part.told is not None
    ]
    AppliedAction.objects.bulk_create(applied)
    return len(rows)


def _undone(run: ActionRun, action: CorporateAction, now: datetime, events_max: int | None) -> int:
    """Reverse the action's own transactions that still stand, and unlink the others."""
    lock_household(household_id=run.household_id)
    applied = AppliedAction.objects.filter(
        action=action, account__household_id=run.household_id
    ).select_related("transaction__account")
    mine = [
        row.transaction
        for row in applied.order_by("id")
        if not row.told and not Transaction.objects.filter(reverses=row.transaction_id).exists()
    ]
    if mine:
        try:
            reverse_all(
                originals=mine,
                user=run.decided_by,
                now=now,
                note=f"The corporate action of {action.ex_date} was withdrawn",
                events_max=events_max,
            )
        except BallastError as refusal:
            raise Conflict(refusal.detail, code=refusal.code) from refusal
    applied.delete()
    return len(mine)
