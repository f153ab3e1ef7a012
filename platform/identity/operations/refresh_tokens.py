"""Log-ins of the API: a family of refresh tokens, of which exactly one is current.

    start    a family with serial 1
    rotate   lock the family's row; the serial must be the current one; serial + 1
    reuse    an older serial means two holders: the family ends, and the user logs in again

Two calls that race with the same token count as two holders. The row lock lets exactly one rotate;
the other then presents an old serial and the family ends, with the winner's new tokens. A client
must therefore send one refresh at a time. Strictness costs a careless client a log-in; leniency
would give a quick thief a session of thirty days.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pghistory
from django.conf import settings
from django.db import transaction

from identity.models import Revocation, TokenFamily, User
from identity.operations.ended_rights import family_ended
from identity.operations.security_events import note
from identity.origins import NOWHERE, Origin
from identity.token_signing import (
    Access,
    Refresh,
    TokenRefused,
    access_token,
    read_refresh,
    refresh_token,
)
from stores.locks import locked

logger = logging.getLogger(__name__)


class TokenReused(TokenRefused):
    """A refresh token was used a second time; its family has ended."""

    code = "token_reused"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens of a client after a log-in or a rotation."""

    access: str
    refresh: str
    expires_in: int


def start(*, user: User, key: bytes, now: datetime, origin: Origin = NOWHERE) -> TokenPair:
    """Create a family for this user, who has just proved who they are; return its first pair."""
    family = TokenFamily.objects.create(
        user=user,
        created_at=now,
        expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
        device=origin.device,
        address=origin.address,
        last_used_at=now,
        proved_at=now,
    )
    return _pair(user=user, family=family, key=key, now=now)


def rotate(*, token: str, key: bytes, now: datetime, origin: Origin = NOWHERE) -> TokenPair:
    """Return the next pair for a current refresh token; raise TokenRefused or TokenReused."""
    claims = read_refresh(key=key, token=token, now=now)
    with transaction.atomic():
        family = _locked_family(claims)
        if family is None:
            raise TokenRefused("The token has been revoked.", code="token_revoked")
        user = family.user
        if not user.may_log_in:
            raise TokenRefused("The account does not exist or is closed.", code="account_closed")
        if user.token_version != claims.version or family.expires_at <= now:
            raise TokenRefused("The token has been revoked.", code="token_revoked")
        if family.serial == claims.serial:
            family.serial += 1
            family.expires_at = min(
                now + settings.REFRESH_TOKEN_LIFETIME,
                family.created_at + settings.REFRESH_TOKEN_ABSOLUTE_LIFETIME,
            )
            family.last_used_at = now
            family.address = origin.address or family.address
            family.device = origin.device or family.device
            family.save(update_fields=["serial", "expires_at", "last_used_at", "address", "device"])
            return _pair(user=user, family=family, key=key, now=now)
        # Commit before raising the refusal, so that the refusal does not roll this back.
        _revoke(family, reason=Revocation.REUSED, now=now)
        note(
            kind="session_reused",
            user=user,
            household_id=user.household_id,
            now=now,
            origin=origin,
        )
    logger.warning(
        "refresh token used twice, session ended: user %s, family %s, serial %s of %s",
        claims.user_id,
        claims.family_id,
        claims.serial,
        family.serial,
    )
    raise TokenReused("This refresh token was used before, so the session was ended. Log in again.")


def end(*, token: str, key: bytes, now: datetime) -> None:
    """End the family of this refresh token. Ending it twice is no error."""
    claims = read_refresh(key=key, token=token, now=now)
    with transaction.atomic():
        family = _locked_family(claims)
        if family is not None:
            _revoke(family, reason=Revocation.LOGOUT, now=now)


def end_family(*, claims: Access, now: datetime) -> None:
    """Log out with an access token alone."""
    with transaction.atomic():
        family = (
            locked(TokenFamily.objects.all())
            .filter(pk=claims.family_id, user_id=claims.user_id, revoked_at=None)
            .first()
        )
        if family is not None:
            _revoke(family, reason=Revocation.LOGOUT, now=now)


def withdraw(*, user: User, family_id: UUID, now: datetime) -> bool:
    """End one of the user's log-ins; return whether it was open."""
    with transaction.atomic():
        rows = TokenFamily.objects.filter(pk=family_id, user_id=user.pk, revoked_at=None)
        family = locked(rows).first()
        if family is not None:
            _revoke(family, reason=Revocation.WITHDRAWN, now=now)
    return family is not None


def forget_dead_families(*, now: datetime) -> int:
    """Delete the families whose last refresh token has expired."""
    deleted, _ = TokenFamily.objects.filter(expires_at__lt=now).delete()
    return deleted


def _locked_family(claims: Refresh) -> TokenFamily | None:
    return (
        locked(TokenFamily.objects.select_related("user"), of=("self",))
        .filter(pk=claims.family_id, user_id=claims.user_id, revoked_at=None)
        .first()
    )


def _revoke(family: TokenFamily, *, reason: Revocation, now: datetime) -> None:
    context: dict[str, Any] = {"revoked": reason.value}
    with pghistory.context(**context):
        family.revoked_at = now
        family.revoked_reason = reason
        family.save(update_fields=["revoked_at", "revoked_reason"])
    family_ended(family_id=family.pk)


def _pair(*, user: User, family: TokenFamily, key: bytes, now: datetime) -> TokenPair:
    lifetime = settings.ACCESS_TOKEN_LIFETIME
    return TokenPair(
        access=access_token(
            key=key,
            claims=Access(user.pk, str(user.public_id), user.token_version, str(family.pk)),
            now=now,
            lifetime=lifetime,
        ),
        refresh=refresh_token(
            key=key,
            claims=Refresh(user.pk, user.token_version, family.pk, family.serial),
            now=now,
            expires_at=family.expires_at,
        ),
        expires_in=int(lifetime.total_seconds()),
    )
