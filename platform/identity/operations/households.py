"""Households: invitations, adviser access, and the withdrawal of both."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core.errors import Conflict, InvalidInput, NotFound
from core.limits import ADVISERS_PER_HOUSEHOLD_MAX, HOUSEHOLD_MEMBERS_MAX
from identity.models import AdviserLink, Household, Invitation, Role, User
from identity.operations.ended_rights import rights_changed
from stores.locks import locked, locked_in_line

INVITATION_LIFETIME = timedelta(days=7)


def invite(*, user: User, email: str, now: datetime) -> tuple[Invitation, str]:
    """Invite one address into the user's household. The token is returned once, never stored.

    An open invitation to the same address is replaced.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        household = locked_household(household_id=user.household_id)
        opened = Invitation.objects.filter(household=household, accepted_at=None, revoked_at=None)
        opened.filter(email=email).update(revoked_at=now)
        taken = household.members.filter(is_active=True).count()
        if taken + opened.filter(expires_at__gt=now).count() >= HOUSEHOLD_MEMBERS_MAX:
            raise Conflict(
                "The household has the maximum number of members. Remove one first.",
                code="household_full",
            )
        invitation = Invitation.objects.create(
            household=household,
            email=email,
            token_hash=_hashed(token),
            invited_by_id=user.pk,
            created_at=now,
            expires_at=now + INVITATION_LIFETIME,
        )
    return invitation, token


def open_invitation(*, token: str, email: str, now: datetime) -> Invitation:
    """Return the invitation this token opens for this address; raise InvalidInput.

    Lock its household first, then the invitation.
    """
    wanted = Invitation.objects.filter(
        token_hash=_hashed(token),
        email=email,
        accepted_at=None,
        revoked_at=None,
        expires_at__gt=now,
    )
    found = wanted.first()
    if found is not None:
        locked_household(household_id=found.household_id)
        # It may have been accepted or withdrawn meanwhile.
        found = locked(wanted.select_related("household"), of=("self",)).first()
    if found is None:
        raise InvalidInput(
            "The invitation has expired or is for another address. Ask for a new one.",
            code="invitation_invalid",
            fields={"invitation": ["is not valid"]},
        )
    return found


def take_back_invitation(*, user: User, invitation_id: UUID, now: datetime) -> None:
    """Close an open invitation of the user's household; raise NotFound otherwise."""
    changed = Invitation.objects.filter(
        public_id=invitation_id,
        household_id=user.household_id,
        accepted_at=None,
        revoked_at=None,
    ).update(revoked_at=now)
    if not changed:
        raise NotFound(
            "The invitation does not exist. Reload the list.", code="invitation_not_found"
        )


def grant_adviser(*, user: User, email: str) -> AdviserLink:
    """Let an adviser see the user's household; a second call returns the same link."""
    adviser = User.objects.filter(email=email, role=Role.ADVISER, is_active=True).first()
    if adviser is None:
        raise NotFound(
            "No adviser has this e-mail address. Check its spelling.", code="adviser_not_found"
        )
    with transaction.atomic():
        household = locked_household(household_id=user.household_id)
        if adviser.household_id == household.pk:
            raise Conflict(
                "A member of the household cannot be its adviser. Name someone else.",
                code="adviser_is_member",
            )
        known = AdviserLink.objects.filter(household=household)
        if known.exclude(adviser=adviser).count() >= ADVISERS_PER_HOUSEHOLD_MAX:
            raise Conflict(
                "The household has the maximum number of advisers. Remove one first.",
                code="advisers_too_many",
            )
        link, _ = AdviserLink.objects.get_or_create(adviser=adviser, household=household)
        rights_changed(user_ids=[adviser.pk])
    link.adviser = adviser
    return link


def withdraw_adviser(*, user: User, adviser_id: UUID) -> None:
    """End an adviser's access to the user's household; raise NotFound if there is none."""
    ended = end_links(
        AdviserLink.objects.filter(household_id=user.household_id, adviser__public_id=adviser_id)
    )
    if not ended:
        raise NotFound("No such adviser.", code="adviser_not_found")


def save_link(link: AdviserLink) -> None:
    """Write an adviser link made by an operator."""
    with transaction.atomic():
        link.save()
        rights_changed(user_ids=[link.adviser_id])


def end_links(links: QuerySet[AdviserLink]) -> int:
    """Delete adviser links; the advisers' sockets and cached rights end. Return how many."""
    with transaction.atomic():
        ended = list(locked(links, of=("self",)))
        AdviserLink.objects.filter(pk__in=[link.pk for link in ended]).delete()
        rights_changed(user_ids={link.adviser_id for link in ended})
    return len(ended)


def locked_household(*, household_id: int) -> Household:
    """Return the household's row, locked. Lock it before its accounts and its other rows."""
    rows = Household.objects.filter(pk=household_id)
    return locked_in_line(rows, household_id=household_id)[0]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
