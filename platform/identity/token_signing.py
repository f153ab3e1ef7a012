"""Signed tokens of the API. Pure: the key and the time are arguments.

Lifetimes are in `config/settings.py`: ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME,
REFRESH_TOKEN_ABSOLUTE_LIFETIME and STREAM_TICKET_LIFETIME.

access    short-lived, carries everything a request needs to be checked against the cache
refresh   long-lived, carries a family and a serial; the family's row has the current serial
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt

from core.errors import BallastError

_ALGORITHM = "HS256"
# The audience of a token. A service that shares the key would refuse our tokens, and we its own.
AUDIENCE = "ballast"
# The largest difference between the clocks of two web servers.
_SKEW_S = 30
_OPTIONS: Any = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_jti": False,
    "verify_sub": False,
}


class TokenRefused(BallastError):
    """The token is forged, expired, of the wrong kind or revoked."""

    status = 401
    code = "token_invalid"


@dataclass(frozen=True, slots=True)
class Access:
    """The claims of an access token."""

    user_id: int
    public_id: str
    version: int
    family_id: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """The claims of a refresh token."""

    user_id: int
    version: int
    family_id: UUID
    serial: int


def signing_key(secret: str) -> bytes:
    """Return a key for tokens only, so that no other signature made with the secret is a token."""
    return hmac.new(secret.encode(), b"ballast.tokens.v1", hashlib.sha256).digest()


def access_token(*, key: bytes, claims: Access, now: datetime, lifetime: timedelta) -> str:
    """Return a signed access token."""
    return jwt.encode(
        {
            "type": "access",
            "sub": claims.public_id,
            "uid": claims.user_id,
            "ver": claims.version,
            "fam": claims.family_id,
            "aud": AUDIENCE,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        },
        key,
        algorithm=_ALGORITHM,
    )


def refresh_token(*, key: bytes, claims: Refresh, now: datetime, expires_at: datetime) -> str:
    """Return a signed refresh token."""
    return jwt.encode(
        {
            "type": "refresh",
            "uid": claims.user_id,
            "ver": claims.version,
            "fam": str(claims.family_id),
            "ser": claims.serial,
            "aud": AUDIENCE,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        },
        key,
        algorithm=_ALGORITHM,
    )


def read_access(*, key: bytes, token: str, now: datetime) -> Access:
    """Return the claims of a valid access token; raise TokenRefused."""
    claims = _claims(key=key, token=token, kind="access", now=now)
    try:
        family_id = str(UUID(claims["fam"]))
        return Access(int(claims["uid"]), str(claims["sub"]), int(claims["ver"]), family_id)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TokenRefused("The token is not valid.") from None


def read_refresh(*, key: bytes, token: str, now: datetime) -> Refresh:
    """Return the claims of a valid refresh token; raise TokenRefused."""
    claims = _claims(key=key, token=token, kind="refresh", now=now)
    try:
        return Refresh(
            int(claims["uid"]), int(claims["ver"]), UUID(claims["fam"]), int(claims["ser"])
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TokenRefused("The token is not valid.") from None


def _claims(*, key: bytes, token: str, kind: str, now: datetime) -> dict[str, Any]:
    try:
        claims = _signed(key, token)
    except (jwt.InvalidTokenError, ValueError):
        raise TokenRefused("The token is not valid.") from None
    begins, expires = claims.get("nbf"), claims.get("exp")
    if claims.get("type") != kind or claims.get("aud") != AUDIENCE:
        raise TokenRefused("The token is not valid.")
    if not (isinstance(begins, int) and isinstance(expires, int)):
        raise TokenRefused("The token is not valid.")
    if begins > now.timestamp() + _SKEW_S:
        raise TokenRefused(
            "The token is not valid yet because the clocks differ. Try again in a minute.",
            code="token_not_yet",
        )
    if expires <= now.timestamp():
        raise TokenRefused("The token has expired. Refresh it.", code="token_expired")
    return claims


# The same token comes with every request for 15 minutes. Its signature is cached; its expiry is
# checked each time. Refusals are exceptions and so are never cached.
@lru_cache(maxsize=8192)
def _signed(key: bytes, token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=[_ALGORITHM], options=_OPTIONS)
    return claims
