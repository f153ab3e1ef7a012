"""Write the trail of security, and announce the entries about which a person is told."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from identity.models import SecurityEvent, User
from identity.origins import NOWHERE, Origin

# About these the person is told, at their own address; the others stand in the trail only.
TOLD = frozenset(
    {
        *("verify_email", "email_changed", "password_reset", "password_changed"),
        *("invitation", "invitation_accepted", "new_device", "session_reused"),
        *("key_created", "key_revoked", "second_factor_added", "second_factor_removed"),
        *("passkey_added", "passkey_removed", "recovery_code_used", "recovery_codes_made"),
        *("adviser_added", "adviser_removed", "deletion_asked", "deletion_withdrawn"),
        *("export_ready", "strange_log_in", "log_ins_refused"),
        *("accountant_added", "accountant_removed"),
    }
)


def note(
    *,
    kind: str,
    user: User | None,
    household_id: int,
    now: datetime,
    actor: User | None = None,
    origin: Origin = NOWHERE,
    details: Mapping[str, Any] | None = None,
    to: str | None = None,
    expires_at: datetime | None = None,
    words: Mapping[str, Any] | None = None,
) -> SecurityEvent:
    """Write an entry of the trail, in the transaction of what it is about.

    `details` and `words` must contain no secret; `words` are parameters of the mail that the trail
    need not keep. `to` replaces the user's address.
    """
    with transaction.atomic():
        event = SecurityEvent.objects.create(
            household_id=household_id,
            user_id=user.pk if user else None,
            actor_id=(actor or user).pk if actor or user else None,  # type: ignore[union-attr]
            kind=kind,
            address=origin.address,
            device=origin.device,
            details=dict(details or {}),
            created_at=now,
        )
        if kind in TOLD:
            _announce(event, user=user, to=to, expires_at=expires_at, words=words or {})
    return event


def note_members(
    *, kind: str, user: User, now: datetime, details: Mapping[str, Any] | None = None
) -> None:
    """Write an entry for each member of the household of `user`, who did it."""
    household = user.household
    for member in User.objects.filter(household_id=household.pk, is_active=True).order_by("pk"):
        note(
            kind=kind,
            user=member,
            actor=user,
            household_id=household.pk,
            now=now,
            details=details,
            words={"household": household.name},
        )


def _announce(
    event: SecurityEvent,
    *,
    user: User | None,
    to: str | None,
    expires_at: datetime | None,
    words: Mapping[str, Any],
) -> None:
    payload: dict[str, Any] = {
        "kind": event.kind,
        "at": event.created_at.isoformat(),
        "address": event.address,
        "place": event.address,
        "device": event.device,
        **event.details,
        **words,
    }
    if user is not None:
        payload["user_id"] = str(user.public_id)
    if to is not None:
        payload["to"] = to
    if expires_at is not None:
        payload["expires_at"] = expires_at.isoformat()
    announcer()(
        topic="security",
        household_id=event.household_id,
        dedup_key=f"{event.kind}:{event.public_id}",
        payload=payload,
        now=event.created_at,
    )


def announcer() -> Callable[..., None]:
    """Return the function that writes outbox rows. `jobs` stands above this room."""
    found: Callable[..., None] = import_string(settings.ANNOUNCER)
    return found
