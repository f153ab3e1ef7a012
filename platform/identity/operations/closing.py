"""Deletion of a person: asked for, thirty days to take it back, then done by the nightly task.

    ask         the day is set; every other log-in and every API key ends
    take back   until that day, by a log-in
    close       name, address, password and every means to log in are erased for good

What stays: the household's ledger, because its other members need it, and because tax law obliges
whoever filed with it to keep records for years; the entries of the trail, which nobody can delete.
"""

from datetime import datetime, timedelta

from django.db import transaction

from core.errors import Conflict
from identity.models import (
    AccountantLink,
    AdviserLink,
    Authenticator,
    Invitation,
    MailLink,
    Passkey,
    RecoveryCode,
    User,
)
from identity.operations.api_keys import end_keys
from identity.operations.households import locked_household
from identity.operations.log_ins import end_others
from identity.operations.security_events import note
from identity.operations.users import deactivate
from identity.origins import Origin
from stores.locks import locked

GRACE = timedelta(days=30)
# How the address of a closed user ends.
CLOSED = "@closed.invalid"
_BATCH = 500


def ask_to_close(*, user: User, current: str, now: datetime, origin: Origin) -> User:
    """Set the day on which the log-in closes for good; `current` is the one that stays open."""
    with transaction.atomic():
        fresh = locked(User.objects.all()).get(pk=user.pk)
        if fresh.closes_at is not None:
            raise Conflict("The deletion is asked for already.", code="closing_already")
        if fresh.is_staff:
            raise Conflict(
                "Operators are closed by another operator, in the administration.",
                code="operator_stays",
            )
        closes_at = now + GRACE
        User.objects.filter(pk=fresh.pk).update(closes_at=closes_at)
        end_keys(user_id=fresh.pk, now=now)
        end_others(user=fresh, current=current, now=now, origin=origin)
        note(
            kind="deletion_asked",
            user=fresh,
            household_id=fresh.household_id,
            now=now,
            origin=origin,
            details={"closes_at": closes_at.isoformat()},
        )
    fresh.closes_at = closes_at
    return fresh


def stay(*, user: User, now: datetime, origin: Origin) -> None:
    """Take the deletion back."""
    with transaction.atomic():
        fresh = locked(User.objects.all()).get(pk=user.pk)
        if fresh.closes_at is None:
            raise Conflict("No deletion is asked for.", code="closing_not_asked")
        User.objects.filter(pk=fresh.pk).update(closes_at=None)
        note(
            kind="deletion_withdrawn",
            user=fresh,
            household_id=fresh.household_id,
            now=now,
            origin=origin,
        )


def close_due(*, now: datetime) -> int:
    """Close the users whose days of grace are over; return how many."""
    due = User.objects.filter(closes_at__lte=now).order_by("closes_at", "id")
    closed = 0
    for user_id in list(due.values_list("pk", flat=True)[:_BATCH]):
        closed += _close(user_id, now)
    return closed


def _close(user_id: int, now: datetime) -> bool:
    household_id = User.objects.values_list("household_id", flat=True).get(pk=user_id)
    with transaction.atomic():
        # Before the user, as everywhere.
        locked_household(household_id=household_id)
        user = locked(User.objects.all()).get(pk=user_id)
        if user.closes_at is None or user.closes_at > now:
            return False  # taken back a moment ago
        deactivate(user=user, now=now)
        AccountantLink.objects.filter(accountant=user).delete()
        for model in (Authenticator, RecoveryCode, Passkey, MailLink, AdviserLink):
            owner = "adviser" if model is AdviserLink else "user"
            model.objects.filter(**{owner: user}).delete()
        Invitation.objects.filter(invited_by=user, accepted_at=None, revoked_at=None).update(
            revoked_at=now
        )
        end_keys(user_id=user.pk, now=now)
        user.refresh_from_db()
        user.email = f"{user.public_id.hex}{CLOSED}"
        user.full_name, user.closes_at, user.email_verified_at = "", None, None
        user.set_unusable_password()
        user.save(
            update_fields=["email", "full_name", "closes_at", "email_verified_at", "password"]
        )
        note(kind="account_closed", user=user, household_id=user.household_id, now=now)
    return True
