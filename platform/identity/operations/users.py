"""Users: registration, profile, password, role and deactivation."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from core.emails import folded
from core.errors import Conflict, InvalidInput
from core.limits import HOUSEHOLD_MEMBERS_MAX
from identity.models import Household, Invitation, Revocation, Role, TokenFamily, User
from identity.operations.email_addresses import begin_verification
from identity.operations.ended_rights import rights_changed
from identity.operations.households import (
    end_access_from_outside,
    end_access_to_nobody,
    is_mailed_token,
    locked_household,
    open_invitation,
)
from identity.operations.mail_links import close_takeover_links
from identity.operations.security_events import note
from identity.origins import NOWHERE, Origin
from stores.locks import locked

logger = logging.getLogger(__name__)

_PROFILE_FIELDS = frozenset(
    {
        "full_name",
        "base_currency",
        "federal_ordinary_rate",
        "federal_long_term_rate",
        "state_rate",
        "net_investment_income_rate",
    }
)


def register(
    *, email: str, password: str, full_name: str, invitation: str | None, now: datetime
) -> User | None:
    """Create a user in a household of their own, or in the one that invited them.

    Return None if the e-mail is taken. The caller gives the same answer in both cases, so that it
    reveals no registered address.
    """
    email = folded(email)
    ensure_good_password(password, user=User(email=email, full_name=full_name))
    hashed = make_password(password)

    try:
        with transaction.atomic():
            offer = open_invitation(token=invitation, email=email, now=now) if invitation else None
            if User.objects.filter(email=email).exists():
                return None
            household = _household(offer, name=full_name or email)
            user = User.objects.create(
                email=email, password=hashed, full_name=full_name, household=household
            )
            if offer is None:
                begin_verification(user=user, now=now)
            else:
                offer.accepted_at = now
                offer.save(update_fields=["accepted_at"])
                _note_acceptance(offer, user=user, token=invitation or "", now=now)
    except IntegrityError:
        if not User.objects.filter(email=email).exists():
            raise
        return None
    return user


def _note_acceptance(offer: Invitation, *, user: User, token: str, now: datetime) -> None:
    """Tell the inviter. Who used the mailed link has proved the address by that."""
    if is_mailed_token(invitation=offer, token=token):
        User.objects.filter(pk=user.pk).update(email_verified_at=now)
    else:
        begin_verification(user=user, now=now)
    note(
        kind="invitation_accepted",
        user=offer.invited_by,
        actor=user,
        household_id=offer.household_id,
        now=now,
        details={"guest": user.full_name or user.email},
        words={"household": offer.household.name},
    )


def change_profile(*, user: User, changes: Mapping[str, Any], now: datetime) -> User:
    """Write the given profile fields and nothing else; note when rates were stated."""
    unknown = set(changes) - _PROFILE_FIELDS
    assert not unknown, f"not a profile field: {sorted(unknown)}"
    stated = {"rates_stated_at": now} if any(name.endswith("_rate") for name in changes) else {}
    with transaction.atomic():
        _locked(user)
        User.objects.filter(pk=user.pk).update(**changes, **stated)
    return User.objects.select_related("household").get(pk=user.pk)


def close_first_steps(*, user: User, now: datetime) -> None:
    """Put the list of first steps away for good."""
    User.objects.filter(pk=user.pk, first_steps_closed_at=None).update(first_steps_closed_at=now)


def change_password(
    *,
    user: User,
    current_password: str,
    new_password: str,
    now: datetime,
    origin: Origin = NOWHERE,
) -> User:
    """Set a new password. Every token, session and socket of the user ends, and open links to set
    another password or address.
    """
    with transaction.atomic():
        locked = _locked(user)
        ensure_password(locked, current_password)
        ensure_good_password(new_password, user=locked)
        locked.set_password(new_password)
        locked.save(update_fields=["password"])
        # Whoever knew the old password may have asked for a link to an address of their own.
        close_takeover_links(user=locked, now=now)
        end_everything(user_id=locked.pk, now=now)
        note(
            kind="password_changed",
            user=locked,
            household_id=locked.household_id,
            now=now,
            origin=origin,
        )
    locked.refresh_from_db()
    return locked


def end_everything(*, user_id: int, now: datetime) -> None:
    """End all tokens, page sessions and sockets of the user with the commit."""
    with transaction.atomic():
        User.objects.filter(pk=user_id).update(token_version=F("token_version") + 1)
        TokenFamily.objects.filter(user_id=user_id, revoked_at=None).update(
            revoked_at=now, revoked_reason=Revocation.EVERYWHERE
        )
        rights_changed(user_ids=[user_id])


def deactivate(*, user: User, now: datetime) -> None:
    """Close the user's log-in; their data stays with the household.

    The last active member of a household leaves no adviser behind.
    """
    with transaction.atomic():
        household = locked_household(household_id=user.household_id)
        User.objects.filter(pk=user.pk).update(is_active=False)
        end_everything(user_id=user.pk, now=now)
        end_access_to_nobody(household_id=household.pk)


def reactivate(*, user: User) -> None:
    """Open the user's log-in again."""
    _change_rights(user, is_active=True)


def change_role(*, user: User, role: Role) -> None:
    """Give the user another role; the next request sees it and open sockets close."""
    _change_rights(user, role=role)


def move(*, user: User, household: Household) -> None:
    """Move the user to another household. They lose access to the old one at once."""
    left_id = User.objects.values_list("household_id", flat=True).get(pk=user.pk)
    with transaction.atomic():
        locked_household(household_id=left_id)
        end_access_from_outside(user=user, household=household)
        _change_rights(user, household=household)
        end_access_to_nobody(household_id=left_id)


def change_privileges(
    *, user: User, is_staff: bool, is_superuser: bool, active_trader: bool
) -> None:
    """Change what the user may do in the admin, and how often the stream sends them prices."""
    _change_rights(user, is_staff=is_staff, is_superuser=is_superuser, active_trader=active_trader)


def _change_rights(user: User, **changes: Any) -> None:
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**changes)
        rights_changed(user_ids=[user.pk])


def _locked(user: User) -> User:
    return locked(User.objects.all()).get(pk=user.pk)


def _household(offer: Invitation | None, *, name: str) -> Household:
    if offer is None:
        return Household.objects.create(name=name[:120])
    household = offer.household  # locked with the invitation
    if household.members.filter(is_active=True).count() >= HOUSEHOLD_MEMBERS_MAX:
        raise Conflict(
            "The household has the maximum number of members. Remove one first.",
            code="household_full",
        )
    return household


def ensure_password(user: User, password: str) -> None:
    """Refuse a wrong current password."""
    if not user.check_password(password):
        logger.warning("wrong current password for user %s", user.pk)
        raise InvalidInput(
            "The current password is wrong. Enter it again.",
            code="password_wrong",
            fields={"current_password": ["is wrong"]},
        )


def ensure_good_password(password: str, *, user: User) -> None:
    """Refuse a password that is short, common or like the user's own data."""
    try:
        validate_password(password, user=user)
    except ValidationError as error:
        raise InvalidInput(
            " ".join(error.messages), code="password_weak", fields={"password": error.messages}
        ) from None
