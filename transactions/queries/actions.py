"""Reads of corporate actions with what they are in a household's ledger."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet

from core.errors import NotFound
from identity.models import User
from marketdata.models import CorporateAction
from marketdata.queries import corporate_actions
from transactions.models import ActionRun, Transaction


def actions(
    *, user: User, symbol: str = "", state: str = "", held: bool = False
) -> "QuerySet[CorporateAction]":
    """Return the actions a user may see, the latest ex-day first.

    `held`: only those of securities that an account of theirs holds or has held.
    """
    rows = corporate_actions(user=user, symbol=symbol, state=state)
    if held:
        mine = Transaction.objects.for_user(user).filter(asset=OuterRef("asset_id"))
        rows = rows.filter(Exists(mine))
    return rows


def ensure_concerns(*, action: CorporateAction, household_id: int) -> None:
    """Raise NotFound for an action of another household."""
    if action.household_id not in (None, household_id):
        raise NotFound(
            "The corporate action does not exist, or you have no access to it.",
            code="corporate_action_not_found",
        )


def runs_of(*, action_ids: Collection[int], household_id: int) -> dict[int, ActionRun]:
    """Return a household's part of each action that it takes part in."""
    rows = ActionRun.objects.filter(action_id__in=action_ids, household_id=household_id)
    return {row.action_id: row for row in rows}


def booking_state(run: ActionRun | None) -> str:
    """Return what has become of an action in a household.

    `none`, `due`, `failed` (it is retried), `booked` or `reversed`.
    """
    if run is None:
        return "none"
    if run.done_at is None:
        return "failed" if run.error else "due"
    return "reversed" if run.undo else "booked"
