"""Bring the ledgers of all households up to corporate actions, in sets, restartable.

    decided --list--> one `ActionRun` per household that held the security --book--> done
                                         | fails: keeps its error, retried later

A decision writes a job. The job lists the households with one statement, then claims due runs with
SKIP LOCKED, so that several workers share them, and books each household in a transaction of its
own. A job ends after RUN_S_MAX; the schedule starts another while runs are due.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q

from core.errors import BallastError
from jobs.operations import (
    Claim,
    Ending,
    Told,
    announce_to_many,
    complete,
    fail,
    result_written,
)
from marketdata.corporate_actions import sentence
from marketdata.models import ActionState, CorporateAction
from marketdata.operations.corporate_actions import FOLLOW, follow
from stores.locks import locked
from stores.rows import execute
from transactions.ledger.kinds import BOOKED_TYPES
from transactions.ledger.security_events import begins_at, booked_at
from transactions.models import ActionRun, Holding
from transactions.models.rebookings import ERROR_LENGTH_MAX
from transactions.operations.actions.booking import book

__all__ = ["FOLLOW", "follow_actions", "give_up", "run"]

logger = logging.getLogger(__name__)

# A job ends after this time; the next one continues.
RUN_S_MAX = 240
_RETRY_S = 60
_RETRY_S_MAX = 86_400
_LIST = """
INSERT INTO transactions_actionrun
       (action_id, household_id, decided_by_id, decided_at, undo, tendered, attempts, next_at,
        error)
SELECT DISTINCT %(action)s::bigint, account.household_id, %(user)s::bigint, %(now)s::timestamptz,
       false, '{}'::jsonb, 0, %(now)s::timestamptz, ''
  FROM transactions_account AS account
 WHERE account.id IN (SELECT account_id FROM transactions_transaction
                       WHERE (asset_id = %(asset)s OR new_asset_id = %(asset)s)
                         AND type = ANY(%(types)s) AND executed_at < %(begin)s)
   AND (%(household)s::bigint IS NULL OR account.household_id = %(household)s)
    ON CONFLICT (action_id, household_id) DO NOTHING
"""
_UNDO = """
UPDATE transactions_actionrun
   SET undo = true, done_at = NULL, attempts = 0, error = '', next_at = %(now)s,
       decided_by_id = %(user)s, decided_at = %(now)s
 WHERE action_id = %(action)s AND NOT undo
"""


def run(claim: Claim, now: datetime, told: Told, *, clock: Callable[[], datetime]) -> None:
    """Do a job: list the action's households, book those that are due, write the counts."""
    action = CorporateAction.objects.select_related("asset", "new_asset").get(
        public_id=claim.subject_id
    )
    list_households(action=action, now=now)
    if action.state == ActionState.PROPOSED:
        tell_holders(action=action, now=now)
    every = ActionRun.objects.filter(action=action).count()
    done = failed = 0
    end = now + timedelta(seconds=RUN_S_MAX)
    while clock() < end:
        outcome = book_next(action=action, now=clock())
        if outcome is None:
            break
        done, failed = done + outcome, failed + (not outcome)
        told(min(99, 100 * (done + failed) // max(1, every)))
    with result_written():
        complete(claim=claim, result={"households": done, "failed": failed})


def give_up(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed. Its runs stay due, and the schedule starts another job."""
    fail(claim=claim, code=ending.code, detail=ending.detail, account_name="", now=now)


def follow_actions(*, now: datetime) -> int:
    """Start jobs for decided actions that are not listed and for runs that are due."""
    today = datetime.combine(now.date(), time(), UTC)
    due = Q(listed_at__isnull=True, ex_date__lte=today.date()) & ~Q(state=ActionState.PROPOSED)
    waiting = ActionRun.objects.filter(done_at__isnull=True, next_at__lte=now)
    rows = CorporateAction.objects.filter(
        due | Q(pk__in=waiting.order_by().values("action_id").distinct())
    ).select_related("asset", "new_asset")
    started = 0
    for action in rows.order_by("id"):
        if (
            action.listed_at is None
            and action.state != ActionState.PROPOSED
            and not _is_due(action, now)
        ):
            continue
        follow(action=action, user=None, now=now)
        started += 1
    return started


def _is_due(action: CorporateAction, now: datetime) -> bool:
    """Return whether a decision can be carried out: its day has come, or it is a withdrawal."""
    return action.state == ActionState.WITHDRAWN or booked_at(action.terms) <= now


def list_households(*, action: CorporateAction, now: datetime) -> None:
    """List the households of a decided action once, with one statement."""
    with transaction.atomic():
        rows = locked(CorporateAction.objects.select_related("asset", "new_asset"), of=("self",))
        row = rows.get(pk=action.pk)
        if row.listed_at is not None or row.state == ActionState.PROPOSED or not _is_due(row, now):
            return
        values = {"action": row.pk, "now": now, "asset": row.asset_id}
        if row.state == ActionState.WITHDRAWN:
            execute(_UNDO, {**values, "user": row.withdrawn_by_id})
        else:
            execute(
                _LIST,
                {
                    **values,
                    "user": row.confirmed_by_id,
                    "types": sorted(BOOKED_TYPES),
                    "begin": begins_at(row.terms),
                    "household": row.household_id,
                },
            )
        row.listed_at = now
        row.save(update_fields=["listed_at"])


def tell_holders(*, action: CorporateAction, now: datetime) -> None:
    """Notify every household that holds the security, once, that an action awaits it."""
    decided = ActionRun.objects.filter(action=action).values("household_id")
    holders = (
        Holding.objects.filter(asset_id=action.asset_id, quantity__gt=0)
        .exclude(account__household_id__in=decided)
        .order_by()
        .values_list("account__household_id", flat=True)
        .distinct()
    )
    with transaction.atomic():
        announce_to_many(
            topic="corporate_action_waiting",
            household_ids=list(holders),
            dedup_key=f"corporate action:{action.public_id}",
            payload={
                "corporate_action_id": str(action.public_id),
                "title": sentence(action.terms),
                "ex_date": action.ex_date.isoformat(),
            },
            now=now,
        )


def book_next(*, action: CorporateAction, now: datetime) -> bool | None:
    """Book the next due household; return whether it succeeded, or None if none is due."""
    due = ActionRun.objects.filter(action=action, done_at__isnull=True, next_at__lte=now)
    pk: int | None = None
    try:
        with transaction.atomic():
            claimed = due.select_for_update(skip_locked=True, of=("self",)).order_by(
                "next_at", "id"
            )
            found = claimed.select_related("decided_by").first()
            if found is None:
                return None
            pk = found.pk
            book(run=found, now=now, events_max=None)
    except BallastError as refusal:
        if pk is None:
            raise
        set_aside(pk=pk, error=f"{refusal.code}: {refusal.detail}", now=now)
        return False
    except (AssertionError, ArithmeticError, LookupError, ValueError, DatabaseError) as fault:
        if pk is None:
            raise
        logger.exception("run %s of a corporate action cannot be booked", pk)
        set_aside(pk=pk, error=f"{type(fault).__name__}: {fault}", now=now)
        return False
    return True


def set_aside(*, pk: int, error: str, now: datetime) -> None:
    """Keep the error with a run, and retry after a delay that doubles up to a day."""
    with transaction.atomic():
        found = locked(ActionRun.objects.filter(pk=pk)).first()
        if found is None:
            return
        found.attempts += 1
        found.error = error[:ERROR_LENGTH_MAX]
        wait_s = min(_RETRY_S * 2 ** min(found.attempts, 16), _RETRY_S_MAX)
        found.next_at = now + timedelta(seconds=wait_s)
        found.save(update_fields=["attempts", "error", "next_at"])
    logger.warning("run %s of a corporate action failed: %s", pk, error[:ERROR_LENGTH_MAX])
