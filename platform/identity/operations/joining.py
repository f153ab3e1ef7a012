"""Somebody who is registered already joins the household that invited them.

They leave a household for it, and see nothing of that one any more:

    others stay in it, and they own no account there    it goes on without them
    nobody else is in it, and it holds nothing          it stays behind, empty
    anything else                                       refused: something would be out of reach

What a household holds is for the apps above to say (the setting HOUSEHOLD_HOLDS).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from core.errors import Conflict
from core.limits import HOUSEHOLD_MEMBERS_MAX
from identity.models import Household, Invitation, User
from identity.operations.households import (
    invited_to,
    is_mailed_token,
    locked_household,
    open_invitation,
)
from identity.operations.security_events import note
from identity.operations.users import move
from identity.origins import NOWHERE, Origin
from stores.locks import locked


@dataclass(frozen=True, slots=True)
class Leaving:
    """What joining another household means for the one that is left."""

    household: Household
    others: int
    # What would be out of reach, in words; empty if nothing would.
    lost: tuple[str, ...]


def leaving(*, user: User) -> Leaving:
    """Return what it means for the user's household that they leave it."""
    household = Household.objects.get(pk=user.household_id)
    others = household.members.filter(is_active=True).exclude(pk=user.pk).count()
    holds: Callable[..., Sequence[str]] = import_string(settings.HOUSEHOLD_HOLDS)
    owner = user if others else None
    return Leaving(household, others, tuple(holds(household=household, owner=owner)))


def join_household(*, user: User, token: str, now: datetime, origin: Origin = NOWHERE) -> Household:
    """Move the user into the household whose invitation to their address the token opens.

    Codes: `invitation_invalid`, `already_member`, `household_full`, `household_holds_data`.
    """
    wanted = invited_to(token=token, email=user.email, now=now)
    with transaction.atomic():
        # In one order, so that two people who change places do not wait for each other.
        for household_id in sorted({user.household_id, wanted or user.household_id}):
            locked_household(household_id=household_id)
        offer = open_invitation(token=token, email=user.email, now=now)
        fresh = locked(User.objects.all()).get(pk=user.pk)
        if offer.household_id == fresh.household_id:
            raise Conflict("You belong to this household already.", code="already_member")
        _ensure_room(offer.household)
        left = leaving(user=fresh)
        _ensure_nothing_lost(left)
        move(user=fresh, household=offer.household)
        Invitation.objects.filter(
            invited_by=fresh, household=left.household, accepted_at=None, revoked_at=None
        ).update(revoked_at=now)
        offer.accepted_at = now
        offer.save(update_fields=["accepted_at"])
        if is_mailed_token(invitation=offer, token=token) and fresh.email_verified_at is None:
            User.objects.filter(pk=fresh.pk).update(email_verified_at=now)
        _note(offer, fresh, left, now, origin)
    return offer.household


def _ensure_room(household: Household) -> None:
    if household.members.filter(is_active=True).count() >= HOUSEHOLD_MEMBERS_MAX:
        raise Conflict(
            "The household has the maximum number of members. Ask its members to remove one first.",
            code="household_full",
        )


def _ensure_nothing_lost(left: Leaving) -> None:
    if left.lost:
        raise Conflict(
            f"You would no longer reach {', '.join(left.lost)} of {left.household.name}. Nothing "
            "was changed. Delete what you do not need there, or be invited at another address.",
            code="household_holds_data",
        )


def _note(offer: Invitation, user: User, left: Leaving, now: datetime, origin: Origin) -> None:
    note(
        kind="household_left",
        user=user,
        household_id=left.household.pk,
        now=now,
        origin=origin,
        details={"email": user.email},
    )
    note(
        kind="invitation_accepted",
        user=offer.invited_by,
        actor=user,
        household_id=offer.household_id,
        now=now,
        origin=origin,
        details={"guest": user.full_name or user.email},
        words={"household": offer.household.name},
    )
