"""Decisions of a person about corporate actions, for the accounts of their own household.

The household's run is written and locked before its accounts, in the order of the worker. A small
ledger is booked at once, in the request's transaction; a large one by a job.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from core.errors import Conflict, InvalidInput
from core.money import plain
from identity.models import User
from marketdata.models import ActionSource, ActionState, Asset, CorporateAction
from marketdata.operations.corporate_actions import decided, follow, propose
from marketdata.queries import assets_by_symbol
from stores.locks import locked
from transactions.ledger.security_events import booked_at
from transactions.models import Account, ActionRun, AppliedAction, Transaction
from transactions.operations.actions.booking import book
from transactions.operations.books.booking import is_long
from transactions.queries.actions import ensure_concerns
from transactions.queries.ledger import unknown_account

# The most transactions of a household that the request itself books.
EVENTS_AT_ONCE_MAX = 5_000


def propose_own(
    *,
    user: User,
    symbol: str,
    new_symbol: str | None,
    terms: Mapping[str, Any],
    reference: str,
    now: datetime,
) -> tuple[CorporateAction, bool]:
    """Propose an action for the user's household; return it, and whether it is new."""
    symbols = {symbol, new_symbol} - {None}
    known = assets_by_symbol(household_id=user.household_id, symbols=map(str, symbols))
    return propose(
        user=user,
        household_id=user.household_id,
        asset=_asset(known, symbol, "symbol"),
        new_asset=None if new_symbol is None else _asset(known, new_symbol, "new_symbol"),
        terms=terms,
        source=ActionSource.PERSON,
        reference=reference,
        now=now,
    )


def _asset(known: Mapping[str, Asset], symbol: str, field: str) -> Asset:
    if symbol not in known:
        raise InvalidInput(
            f"The symbol {symbol[:40]} is not known. Search for it, or create it as your own "
            "asset.",
            code="symbol_unknown",
            fields={field: ["is not known"]},
        )
    return known[symbol]


def confirm_own(
    *,
    action: CorporateAction,
    user: User,
    now: datetime,
    tendered: Mapping[UUID, Decimal] | None = None,
) -> ActionRun:
    """Confirm an action for the user's household, and book it in its accounts.

    Confirmed again, it is booked where it is missing: in accounts whose purchases were recorded
    later, or in which its transaction was reversed by hand. `tendered`: the units of each account
    that are given up in an exchange offer, which is booked for those alone.
    """
    ensure_concerns(action=action, household_id=user.household_id)
    _ensure_tendered(action, user, tendered)
    with transaction.atomic():
        if action.household_id is not None:
            action = decided(action=action, state=ActionState.CONFIRMED, user=user, now=now)
        elif action.state == ActionState.WITHDRAWN:
            raise Conflict(
                "The action was withdrawn. Propose it again, with the right terms.",
                code="action_withdrawn",
            )
        due = max(now, booked_at(action.terms))
        run = _run(action, user, now)
        _forget_reversed(run)
        run.undo, run.decided_by, run.decided_at = False, user, now
        if tendered is not None:
            run.tendered |= {str(pk): plain(quantity) for pk, quantity in tendered.items()}
        _bring_up(run, action, user, due, now)
    return run


def _ensure_tendered(
    action: CorporateAction, user: User, tendered: Mapping[UUID, Decimal] | None
) -> None:
    """Refuse an exchange offer without units, units for another action, and foreign accounts."""
    if (action.kind == "exchange_offer") != bool(tendered):
        raise InvalidInput(
            "An exchange offer needs the units that each account tenders; no other action has any.",
            code="tendered_required",
            fields={"tendered": ["is required for an exchange offer, and only then"]},
        )
    for public_id in tendered or ():
        own = Account.objects.filter(household_id=user.household_id, public_id=public_id)
        if not own.exists():
            raise unknown_account()


def withdraw_own(*, action: CorporateAction, user: User, now: datetime) -> ActionRun | None:
    """Reverse what an action booked in the user's household.

    The household's own action is withdrawn with it; a public one stays as it is for others.
    """
    ensure_concerns(action=action, household_id=user.household_id)
    with transaction.atomic():
        if action.household_id is not None:
            action = decided(action=action, state=ActionState.WITHDRAWN, user=user, now=now)
        run = _found(action, user)
        if run is None and action.household_id is None:
            raise Conflict(
                "The action is not confirmed for your household, so there is nothing to withdraw.",
                code="action_not_confirmed",
            )
        if run is not None and not run.undo:
            run.undo, run.decided_by, run.decided_at = True, user, now
            _bring_up(run, action, user, now, now)
    return run


def _run(action: CorporateAction, user: User, now: datetime) -> ActionRun:
    """Return the household's run, new or as it is, locked."""
    run, made = ActionRun.objects.get_or_create(
        action=action,
        household_id=user.household_id,
        defaults={"decided_by": user, "decided_at": now, "next_at": now},
    )
    return run if made else _found(action, user) or run


def _forget_reversed(run: ActionRun) -> None:
    """Forget transactions of the action that were reversed and not corrected."""
    gone = Transaction.objects.filter(reverses=OuterRef("transaction_id"))
    corrected = Transaction.objects.filter(corrects=OuterRef("transaction_id"))
    rows = AppliedAction.objects.filter(
        Exists(gone),
        ~Exists(corrected),
        action_id=run.action_id,
        account__household_id=run.household_id,
    )
    rows.delete()


def _found(action: CorporateAction, user: User) -> ActionRun | None:
    rows = ActionRun.objects.filter(action=action, household_id=user.household_id)
    return locked(rows.select_related("decided_by"), of=("self",)).first()


def _bring_up(
    run: ActionRun, action: CorporateAction, user: User, due: datetime, now: datetime
) -> None:
    """Book or reverse now, or leave it to a job if it is large or not due yet."""
    run.done_at, run.attempts, run.error, run.next_at = None, 0, "", due
    run.save()
    if due > now:
        return
    if is_long(household_id=run.household_id, events_max=EVENTS_AT_ONCE_MAX):
        follow(action=action, user=user, now=now)
        return
    book(run=run, now=now)
