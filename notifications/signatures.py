"""The signature of Standard Webhooks (https://www.standardwebhooks.com). Pure.

    signed     = "{webhook-id}.{webhook-timestamp}.{body}"
    signature  = "v1," + base64(HMAC-SHA256(secret, signed))

A secret is shown as "whsec_" and the base64 of its bytes. While a secret is being rotated a message
carries one signature for each secret, separated by spaces; a receiver accepts any of them.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"


def secret_text(secret: bytes) -> str:
    """Return a secret as its receiver stores it."""
    return PREFIX + b64encode(secret).decode()


def signature_headers(
    *, message_id: str, timestamp_s: int, body: bytes, secrets: Sequence[bytes]
) -> dict[str, str]:
    """Return the three headers of a signed message."""
    assert secrets, "a message is signed"
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    signatures = [
        "v1," + b64encode(hmac.digest(secret, signed, sha256)).decode() for secret in secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
