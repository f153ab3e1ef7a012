"""Propose, confirm and withdraw corporate actions.

    proposed ──confirm──> confirmed ──withdraw──> withdrawn
        └────────────────withdraw─────────────────────┘

A decision about a public security concerns every household. It leaves a job row, and a worker books
or reverses the action in the ledgers (`transactions.operations.actions`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core.dates import ensure_known
from core.errors import Conflict, InvalidInput
from identity.models import User
from jobs.models import Queue
from jobs.operations import enqueue
from marketdata.corporate_actions import Terms, ensure_terms, same_action
from marketdata.models import ActionSource, ActionState, Asset, CorporateAction
from stores.locks import locked

FOLLOW = "transactions.follow_corporate_action"
_ESTIMATE_S = 30


def propose(
    *,
    user: User | None,
    household_id: int | None,
    asset: Asset,
    new_asset: Asset | None,
    terms: Mapping[str, Any],
    source: str,
    reference: str,
    now: datetime,
) -> tuple[CorporateAction, bool]:
    """Return the action with these terms, and whether it is new.

    `terms`: the fields of `Terms` without the symbols. `household_id`: the household it concerns,
    or None for everyone. An action that another report stated before is returned as it is, and so
    is one that was withdrawn if a vendor announces it again: it does so night after night.
    `user` is None if a vendor announced it.
    """
    stated = Terms(
        symbol=asset.symbol,
        new_symbol=new_asset.symbol if new_asset else None,
        **{"currency": asset.currency, **terms},
    )
    ensure_known(stated.ex_date, field="ex_date")
    ensure_terms(stated)
    _ensure_tradable(asset, new_asset)
    with transaction.atomic():
        # One proposal of an asset at a time, so that two reports cannot both be the first.
        locked(Asset.objects.all()).get(pk=asset.pk)
        known = _known(asset, household_id, stated, withdrawn=source == ActionSource.VENDOR)
        if known is not None:
            return known, False
        made = CorporateAction.objects.create(
            asset=asset,
            household_id=household_id,
            new_asset=new_asset,
            source=source,
            reference=reference,
            proposed_by=user,
            proposed_at=now,
            **{name: getattr(stated, name) for name in (*terms, "currency")},
        )
        if household_id is None:
            follow(action=made, user=user, now=now)  # its holders are told that it waits
    return made, True


def _ensure_tradable(asset: Asset, new_asset: Asset | None) -> None:
    for field, one in (("symbol", asset), ("new_symbol", new_asset)):
        if one is not None and not one.tradable:
            raise InvalidInput(
                f"{one.symbol} cannot be bought or sold. Choose another asset.",
                code="asset_not_tradable",
                fields={field: ["cannot be bought or sold"]},
            )


def _known(
    asset: Asset, household_id: int | None, stated: Terms, *, withdrawn: bool
) -> CorporateAction | None:
    """Return the action that is already known; one of everyone precedes one of a household."""
    rows = CorporateAction.objects.filter(asset=asset)
    if not withdrawn:
        rows = rows.exclude(state=ActionState.WITHDRAWN)
    found = [
        row
        for row in rows.select_related("asset", "new_asset").order_by("id")
        if row.household_id in (None, household_id) and same_action(row.terms, stated)
    ]
    return min(found, key=lambda row: (row.household_id is not None, row.pk), default=None)


def propose_for_everyone(
    *, action: CorporateAction, user: User, now: datetime
) -> tuple[CorporateAction, bool]:
    """Propose a household's action of a public security for everyone (operators)."""
    if action.asset.household_id is not None:
        raise Conflict(
            f"{action.asset.symbol} is a household's own asset. Only the household decides on it.",
            code="action_of_a_household",
        )
    names = set(Terms.__dataclass_fields__) - {"symbol", "new_symbol"}
    return propose(
        user=user,
        household_id=None,
        asset=action.asset,
        new_asset=action.new_asset,
        terms={name: getattr(action, name) for name in names},
        source=ActionSource.OPERATOR,
        reference=action.reference,
        now=now,
    )


def confirm_for_everyone(*, action: CorporateAction, user: User, now: datetime) -> CorporateAction:
    """Confirm an action of a public security: it is booked in every account that held it."""
    _ensure_for_everyone(action)
    with transaction.atomic():
        row = decided(action=action, state=ActionState.CONFIRMED, user=user, now=now)
        follow(action=row, user=user, now=now)
    return row


def withdraw_for_everyone(*, action: CorporateAction, user: User, now: datetime) -> CorporateAction:
    """Withdraw an action: what it booked is reversed, and nothing else."""
    _ensure_for_everyone(action)
    with transaction.atomic():
        row = decided(action=action, state=ActionState.WITHDRAWN, user=user, now=now)
        follow(action=row, user=user, now=now)
    return row


def _ensure_for_everyone(action: CorporateAction) -> None:
    if action.household_id is not None:
        raise Conflict(
            "The action was proposed by a household for itself. Propose it for everyone first.",
            code="action_of_a_household",
        )


def decided(*, action: CorporateAction, state: str, user: User, now: datetime) -> CorporateAction:
    """Write a decision on an action in a transaction; a repeated decision changes nothing."""
    row = locked(CorporateAction.objects.select_related("asset", "new_asset"), of=("self",)).get(
        pk=action.pk
    )
    if row.state == state:
        return row
    if row.state == ActionState.WITHDRAWN:
        raise Conflict(
            "The action was withdrawn. Propose it again, with the right terms.",
            code="action_withdrawn",
        )
    row.state, row.listed_at = state, None
    if state == ActionState.CONFIRMED:
        row.confirmed_by, row.confirmed_at = user, now
    else:
        row.withdrawn_by, row.withdrawn_at = user, now
    row.save()
    return row


def follow(*, action: CorporateAction, user: User | None, now: datetime) -> None:
    """Start the job that brings the ledgers up to the action's state."""
    enqueue(
        kind=FOLLOW,
        queue=Queue.NIGHTLY,
        user=user,
        household_id=None,
        subject_id=action.public_id,
        params={"state": action.state},
        now=now,
        estimate_s=_ESTIMATE_S,
    )
