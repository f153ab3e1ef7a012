"""The second factor: an authenticator app, and recovery codes for the day it is lost.

    begin     a sealed secret, not yet a factor
    confirm   a first code proves that the app has the secret; recovery codes are made, shown once
    accept    a one-time password, whose step must be newer than the last one, or a recovery code
    remove    needs a recent proof; the recovery codes go with the last factor

The row of the authenticator is locked while a code is compared, so two requests that race with the
same code cannot both pass.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

from core.errors import BallastError, Conflict, InvalidInput
from identity import secrets_kept
from identity.models import Authenticator, Passkey, RecoveryCode, User
from identity.one_time_passwords import DIGITS, STEP_S, accepted_step, new_secret
from identity.operations.security_events import note
from identity.origins import Origin
from stores.locks import locked

logger = logging.getLogger(__name__)


class SecondFactorNeeded(BallastError):
    """The password is right, and the user has a second factor."""

    status = 401
    code = "otp_required"


class SecondFactorRefused(BallastError):
    """The one-time password or recovery code is wrong or was used before."""

    status = 401
    code = "otp_invalid"


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator app needs, shown once."""

    secret: str
    address: str


def setup_address(*, secret: str, email: str) -> str:
    """Return the otpauth address that authenticator apps read from a QR code."""
    label = quote(f"Ballast:{email}", safe="")
    return f"otpauth://totp/{label}?secret={secret}&issuer=Ballast&digits={DIGITS}&period={STEP_S}"


def has_second_factor(*, user: User) -> bool:
    """Return whether the password alone does not log this user in."""
    return (
        Authenticator.objects.filter(user_id=user.pk, confirmed_at__isnull=False).exists()
        or Passkey.objects.filter(user_id=user.pk).exists()
    )


def begin(*, user: User, now: datetime) -> Setup:
    """Return the secret of a new authenticator, which is no factor before `confirm`."""
    secret = new_secret()
    with transaction.atomic():
        _lock(user)
        if Authenticator.objects.filter(user_id=user.pk, confirmed_at__isnull=False).exists():
            raise Conflict(
                "An authenticator app is already set up. Remove it first.", code="totp_exists"
            )
        Authenticator.objects.update_or_create(
            user_id=user.pk,
            defaults={
                "secret_sealed": secrets_kept.sealed(secret, key=_key()),
                "created_at": now,
                "last_step": 0,
            },
        )
    return Setup(secret=secret, address=setup_address(secret=secret, email=user.email))


def pending(*, user: User) -> Setup:
    """Return the set-up under way, to be shown again after a wrong first code."""
    row = Authenticator.objects.filter(user_id=user.pk, confirmed_at=None).first()
    if row is None:
        raise Conflict("No set-up is under way. Start it again.", code="totp_not_started")
    try:
        secret = secrets_kept.unsealed(row.secret_sealed, key=_key())
    except secrets_kept.Unreadable:
        raise Conflict("No set-up is under way. Start it again.", code="totp_not_started") from None
    return Setup(secret=secret, address=setup_address(secret=secret, email=user.email))


def confirm(*, user: User, code: str, now: datetime, origin: Origin) -> list[str]:
    """Make the authenticator a second factor; return the recovery codes, if none are left."""
    with transaction.atomic():
        _lock(user)
        row = Authenticator.objects.filter(user_id=user.pk).first()
        if row is None or row.confirmed_at is not None:
            raise Conflict("No set-up is under way. Start it again.", code="totp_not_started")
        step = _step(row, code, now)
        if step is None:
            raise InvalidInput(
                "The code is wrong. Enter the one your app shows now, and check its clock.",
                code="totp_code_wrong",
                fields={"code": ["is wrong"]},
            )
        Authenticator.objects.filter(pk=row.pk).update(confirmed_at=now, last_step=step)
        _note(user, "second_factor_added", now, origin)
        return first_recovery_codes(user=user, now=now)


def remove(*, user: User, now: datetime, origin: Origin) -> None:
    """Remove the authenticator app."""
    with transaction.atomic():
        _lock(user)
        gone, _ = Authenticator.objects.filter(user_id=user.pk, confirmed_at__isnull=False).delete()
        if not gone:
            raise Conflict("No authenticator app is set up.", code="totp_missing")
        forget_recovery_codes(user=user)
        _note(user, "second_factor_removed", now, origin)


def accept(*, user: User, code: str, now: datetime, origin: Origin) -> str:
    """Accept a one-time password or a recovery code, once. Return which it was.

    Raise SecondFactorRefused; the refusal is the same for a wrong and for a used code.
    """
    with transaction.atomic():
        if secrets_kept.looks_like_recovery_code(code):
            used = RecoveryCode.objects.filter(
                user_id=user.pk,
                code_hash=secrets_kept.recovery_code_hash(code, user_id=user.pk),
                used_at=None,
            ).update(used_at=now)
            if used:
                left = RecoveryCode.objects.filter(user_id=user.pk, used_at=None).count()
                _note(user, "recovery_code_used", now, origin, left=left)
                return "recovery_code"
        else:
            rows = Authenticator.objects.filter(user_id=user.pk, confirmed_at__isnull=False)
            row = locked(rows).first()
            step = _step(row, code, now) if row is not None else None
            if row is not None and step is not None:
                Authenticator.objects.filter(pk=row.pk).update(last_step=step)
                return "totp"
    logger.warning("wrong second factor for user %s", user.pk)
    raise SecondFactorRefused("The code is wrong or was used before. Wait for the next one.")


def new_recovery_codes(*, user: User, now: datetime, origin: Origin) -> list[str]:
    """Replace the recovery codes; the old ones end. Return the new ones, shown once."""
    with transaction.atomic():
        _lock(user)
        if not has_second_factor(user=user):
            raise Conflict(
                "Recovery codes need a second factor. Set up one first.",
                code="second_factor_missing",
            )
        RecoveryCode.objects.filter(user_id=user.pk).delete()
        _note(user, "recovery_codes_made", now, origin)
        return _made_codes(user, now)


def first_recovery_codes(*, user: User, now: datetime) -> list[str]:
    """Return new codes if the user has no unused one; call it when a factor was added."""
    if RecoveryCode.objects.filter(user_id=user.pk, used_at=None).exists():
        return []
    RecoveryCode.objects.filter(user_id=user.pk).delete()
    return _made_codes(user, now)


def forget_recovery_codes(*, user: User) -> None:
    """Delete the codes of a user who has no second factor any more."""
    if not has_second_factor(user=user):
        RecoveryCode.objects.filter(user_id=user.pk).delete()


def _made_codes(user: User, now: datetime) -> list[str]:
    codes = [secrets_kept.new_recovery_code() for _ in range(secrets_kept.RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(
            user_id=user.pk,
            code_hash=secrets_kept.recovery_code_hash(code, user_id=user.pk),
            created_at=now,
        )
        for code in codes
    )
    return codes


def _step(row: Authenticator, code: str, now: datetime) -> int | None:
    try:
        secret = secrets_kept.unsealed(row.secret_sealed, key=_key())
    except secrets_kept.Unreadable:
        logger.exception("the authenticator of user %s cannot be read", row.user_id)
        return None
    return accepted_step(
        secret=secret,
        code="".join(code.split()),
        now_s=now.timestamp(),
        last_step=row.last_step,
    )


def _key() -> bytes:
    return secrets_kept.sealing_key(settings.SECRET_KEY)


def _lock(user: User) -> None:
    locked(User.objects.all()).get(pk=user.pk)


def _note(user: User, kind: str, now: datetime, origin: Origin, **details: Any) -> None:
    note(
        kind=kind,
        user=user,
        household_id=user.household_id,
        now=now,
        origin=origin,
        details=details,
    )
