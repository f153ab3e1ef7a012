"""Messages to browsers: encrypted for the browser alone (RFC 8291), signed for its service. Pure.

A browser gives its public key and a secret. The message is encrypted with a key that both derive
from an ephemeral one, so the service that carries it cannot read it. The service checks the token
that our own key signs. Keys and salts are arguments: the standard's example is a test.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096
# What a service must take: one record, less its tag and its delimiter.
MESSAGE_BYTES_MAX = RECORD_BYTES - 86 - 17
TOKEN_LIFETIME_S = 12 * 3600
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a browser takes messages, and the keys it gave, as bytes."""

    endpoint: str
    public_key: bytes
    secret: bytes


def decoded(text: str) -> bytes:
    """Return the bytes of a base64url text, with or without padding. Raise ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def private_key(seed: bytes) -> EllipticCurvePrivateKey:
    """Return the private key that belongs to a seed: the same one each time."""
    number = int.from_bytes(sha256(seed).digest() + sha256(b"2" + seed).digest(), "big")
    return derive_private_key(number % (_ORDER - 1) + 1, SECP256R1())


def public_bytes(key: EllipticCurvePrivateKey) -> bytes:
    """Return the public key as an uncompressed point of 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def ensure_keys(browser: Browser) -> None:
    """Raise ValueError if these are no keys of a browser."""
    if len(browser.public_key) != 65 or len(browser.secret) != 16:
        raise ValueError("the keys have a wrong length")
    EllipticCurvePublicKey.from_encoded_point(SECP256R1(), browser.public_key)


def encrypted(
    *, message: bytes, browser: Browser, ephemeral: EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """Return a message for a browser alone: the body with `Content-Encoding: aes128gcm`.

    ephemeral, salt (16 bytes): new for every message.
    """
    assert len(message) <= MESSAGE_BYTES_MAX, "one record"
    assert len(salt) == 16, "as RFC 8188 asks"
    ours = public_bytes(ephemeral)
    theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), browser.public_key)
    shared = ephemeral.exchange(ECDH(), theirs)
    information = b"WebPush: info\x00" + browser.public_key + ours
    master = _derived(shared, browser.secret, information, 32)
    key = _derived(master, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(master, salt, b"Content-Encoding: nonce\x00", 12)
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return head + AESGCM(key).encrypt(nonce, message + b"\x02", None)


def authorization(*, origin: str, contact: str, key: EllipticCurvePrivateKey, now_s: int) -> str:
    """Return the header that tells a service who sends: a token for its origin, and our key."""
    claims = {
        "aud": origin,
        "exp": now_s + TOKEN_LIFETIME_S,
        "sub": contact,
    }
    signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ECDSA(SHA256())))
    signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={encoded(public_bytes(key))}"


def _json(value: Mapping[str, object]) -> str:
    return encoded(json.dumps(value, separators=(",", ":")).encode())


def _derived(secret: bytes, salt: bytes, information: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=information).derive(secret)
