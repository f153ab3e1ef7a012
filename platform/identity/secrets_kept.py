"""Secrets at rest: sealed where they are needed again, hashed where they are only compared. Pure.

    sealed           the secret of an authenticator app, readable with the installation's key only
    recovery code    80 random bits, stored as SHA-256 with the user's id
    API key          256 random bits, stored as SHA-256

Random text of this length needs no slow hash: there is nothing to guess.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken

RECOVERY_CODES = 10
# Crockford's letters without those that are mistaken for others.
_LETTERS = "abcdefghjkmnpqrstvwxyz0123456789"
_HALF = 8
KEY_PREFIX = "ballast_"
_SHOWN = 6


class Unreadable(Exception):
    """A sealed secret was written with another key."""


def sealing_key(secret: str) -> bytes:
    """Return the key that seals secrets and does nothing else."""
    digest = hmac.new(secret.encode(), b"ballast.sealed.v1", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest)


def sealed(text: str, *, key: bytes) -> str:
    """Return the text encrypted and authenticated."""
    return Fernet(key).encrypt(text.encode()).decode()


def unsealed(text: str, *, key: bytes) -> str:
    """Return a sealed text; raise Unreadable."""
    try:
        return Fernet(key).decrypt(text.encode()).decode()
    except InvalidToken:
        raise Unreadable("The secret was sealed with another SECRET_KEY.") from None


def new_recovery_code() -> str:
    """Return a code such as `4f7k2m9x-p3qr8t1v`."""
    letters = [secrets.choice(_LETTERS) for _ in range(2 * _HALF)]
    return "".join(letters[:_HALF]) + "-" + "".join(letters[_HALF:])


def recovery_code_hash(code: str, *, user_id: int) -> str:
    """Return what is stored of a recovery code. Case, hyphens and blanks do not matter."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(f"{user_id}:{plain}".encode("utf-8", "replace")).hexdigest()


def looks_like_recovery_code(code: str) -> bool:
    """Return whether the text has the length of a recovery code rather than of a one-time one."""
    return len("".join(code.split()).replace("-", "")) == 2 * _HALF


def new_api_key() -> tuple[str, str]:
    """Return a new key, and the beginning of it by which people recognize it."""
    name = secrets.token_hex(_SHOWN // 2 + 1)[:_SHOWN]
    return f"{KEY_PREFIX}{name}_{secrets.token_urlsafe(32)}", f"{KEY_PREFIX}{name}"


def api_key_hash(key: str) -> str:
    """Return what is stored of an API key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
