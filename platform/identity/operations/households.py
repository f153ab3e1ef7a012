"""Households: invitations, adviser access, and the withdrawal of both."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.crypto import constant_time_compare

from core.errors import Conflict, InvalidInput, NotFound
from core.limits import ADVISERS_PER_HOUSEHOLD_MAX, HOUSEHOLD_MEMBERS_MAX
from identity.mail_tokens import link_id, link_key, link_token
from identity.models import AccountantLink, AdviserLink, Household, Invitation, Role, User
from identity.operations.ended_rights import rights_changed
from identity.operations.security_events import note, note_members
from stores.locks import locked, locked_in_line

INVITATION_LIFETIME = timedelta(days=7)


def invite(*, user: User, email: str, now: datetime) -> tuple[Invitation, str]:
    """Invite one address into the user's household. The token is returned once, never stored.

    An open invitation to the same address is replaced.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        household = own_household(user=user)
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
        note(
            kind="invitation",
            user=None,
            actor=user,
            household_id=household.pk,
            now=now,
            to=email,
            details={"email": email},
            expires_at=invitation.expires_at,
            words={
                "invitation_id": str(invitation.public_id),
                "inviter": user.full_name or user.email,
                "household": household.name,
            },
        )
    return invitation, token


def invitation_path(*, payload: Mapping[str, Any], now: datetime) -> str | None:
    """Return the path that accepts an invitation, or None if it is no longer wanted."""
    found = _open(now).filter(public_id=UUID(str(payload["invitation_id"]))).first()
    return None if found is None else f"/invitation/{_mailed(found)}"


def offered(*, token: str, now: datetime) -> Invitation | None:
    """Return the open invitation of a mailed token, with its household and inviter."""
    public_id = link_id(token)
    if public_id is None:
        return None
    rows = _open(now).select_related("household", "invited_by")
    found = rows.filter(public_id=public_id).first()
    return found if found is not None and is_mailed_token(invitation=found, token=token) else None


def is_mailed_token(*, invitation: Invitation, token: str) -> bool:
    """Return whether the token is the one of the mail, so that its holder reads the mailbox."""
    return constant_time_compare(token, _mailed(invitation))


def invited_to(*, token: str, email: str, now: datetime) -> int | None:
    """Return the id of the household into which this token invites this address, if any."""
    found = _opened_by(token=token, email=email, now=now)
    return found.values_list("household_id", flat=True).first()


def _opened_by(*, token: str, email: str, now: datetime) -> QuerySet[Invitation]:
    mailed = offered(token=token, now=now)
    named = {"pk": mailed.pk} if mailed is not None else {"token_hash": _hashed(token)}
    return _open(now).filter(email=email, **named)


def open_invitation(*, token: str, email: str, now: datetime) -> Invitation:
    """Return the invitation this token opens for this address; raise InvalidInput.

    Lock its household first, then the invitation.
    """
    wanted = _opened_by(token=token, email=email, now=now)
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
    with transaction.atomic():
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
        note(
            kind="invitation_withdrawn",
            user=None,
            actor=user,
            household_id=user.household_id,
            now=now,
        )


def grant_adviser(*, user: User, email: str, now: datetime) -> AdviserLink:
    """Let an adviser see the user's household; a second call returns the same link."""
    adviser = User.objects.filter(email=email, role=Role.ADVISER, is_active=True).first()
    if adviser is None:
        raise NotFound(
            "No adviser has this e-mail address. Check its spelling.", code="adviser_not_found"
        )
    with transaction.atomic():
        household = own_household(user=user)
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
        link, made = AdviserLink.objects.get_or_create(adviser=adviser, household=household)
        rights_changed(user_ids=[adviser.pk])
        if made:
            note_members(
                kind="adviser_added", user=user, now=now, details={"adviser": adviser.email}
            )
    link.adviser = adviser
    return link


def withdraw_adviser(*, user: User, adviser_id: UUID, now: datetime) -> None:
    """End an adviser's access to the user's household; raise NotFound if there is none."""
    links = AdviserLink.objects.filter(
        household_id=user.household_id, adviser__public_id=adviser_id
    )
    with transaction.atomic():
        adviser = User.objects.filter(clients__in=links).first()
        if adviser is None or not end_links(links):
            raise NotFound("No such adviser.", code="adviser_not_found")
        note_members(kind="adviser_removed", user=user, now=now, details={"adviser": adviser.email})


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


def end_access_to_nobody(*, household_id: int) -> None:
    """End the access of advisers and accountants to a household whose last active member has left.

    Nobody could withdraw it any more. The household is locked, so of two members who leave at once
    the second sees that.
    """
    if not User.objects.filter(household_id=household_id, is_active=True).exists():
        end_links(AdviserLink.objects.filter(household_id=household_id))
        AccountantLink.objects.filter(household_id=household_id).delete()


def end_access_from_outside(*, user: User, household: Household) -> None:
    """End what somebody who is now a member was granted before, or it would outlast membership."""
    end_links(AdviserLink.objects.filter(adviser=user, household=household))
    AccountantLink.objects.filter(accountant=user, household=household).delete()


def locked_household(*, household_id: int) -> Household:
    """Return the household's row, locked. Lock it before its accounts and its other rows."""
    rows = Household.objects.filter(pk=household_id)
    return locked_in_line(rows, household_id=household_id)[0]


def own_household(*, user: User) -> Household:
    """Return the user's household, locked; raise Conflict if they have left it a moment ago.

    A request knows the household of its beginning. What it then wrote would belong to nobody.
    """
    household = locked_household(household_id=user.household_id)
    if not User.objects.filter(pk=user.pk, household_id=household.pk, is_active=True).exists():
        raise Conflict(
            "You have just left this household. Reload the page.", code="household_changed"
        )
    return household


def _open(now: datetime) -> QuerySet[Invitation]:
    """Return the invitations that can be accepted: their inviter still belongs to the household."""
    return Invitation.objects.filter(
        accepted_at=None,
        revoked_at=None,
        expires_at__gt=now,
        invited_by__is_active=True,
        invited_by__household=F("household"),
    )


def _mailed(invitation: Invitation) -> str:
    """Return the token of the mail, which is stored nowhere; the inviter has another."""
    return link_token(
        key=link_key(settings.SECRET_KEY),
        public_id=invitation.public_id,
        purpose="invitation",
        email=invitation.email,
    )


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
