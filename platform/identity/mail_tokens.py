"""Tokens of mailed links. Pure: the key and the time are arguments.

    token = <id of the link>.<HMAC of id, purpose and address>

The database has the link but not the key, and outbox, logs and job rows have neither, so nothing
that is stored opens a link. The address is part of it: a link ends with a change of the address.
"""

import base64
import hashlib
import hmac
from uuid import UUID


def link_key(secret: str) -> bytes:
    """Return a key for links only, so that no other signature made with the secret is a link."""
    return hmac.new(secret.encode(), b"ballast.mail-links.v1", hashlib.sha256).digest()


def link_token(*, key: bytes, public_id: UUID, purpose: str, email: str) -> str:
    """Return the token of a link."""
    return f"{public_id.hex}.{_signature(key, public_id, purpose, email)}"


def link_id(token: str) -> UUID | None:
    """Return the id a token names, unchecked; None if the text is no token."""
    name, dot, _ = token.partition(".")
    if not dot or len(name) != 32:
        return None
    try:
        return UUID(hex=name)
    except ValueError:
        return None


def is_token_of(token: str, *, key: bytes, public_id: UUID, purpose: str, email: str) -> bool:
    """Return whether the token belongs to this link. Takes the same time for every wrong token."""
    right = link_token(key=key, public_id=public_id, purpose=purpose, email=email)
    return hmac.compare_digest(token.encode("utf-8", "replace"), right.encode())


def _signature(key: bytes, public_id: UUID, purpose: str, email: str) -> str:
    signed = f"{public_id.hex}\n{purpose}\n{email}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
