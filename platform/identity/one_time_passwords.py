"""One-time passwords by time (RFC 6238: HMAC-SHA-1, six digits, steps of 30 s). Pure.

    step = floor(time / 30)
    code = the last six digits of HOTP(secret, step), RFC 4226

Codes of the step before and after the present one are accepted, because clocks differ. A code is
accepted once: a code of a step that is not newer than the last accepted one is a replay.
Worked example (RFC 6238, appendix B, cut to six digits): secret "12345678901234567890" at 59 s has
step 1 and code 287082.
"""

import base64
import hashlib
import hmac
import secrets
import struct

STEP_S = 30
SKEW_STEPS = 1
DIGITS = 6
_SECRET_BYTES = 20


def new_secret() -> str:
    """Return a new secret of 160 bits in base 32, as authenticator apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(*, secret: str, step: int) -> str:
    """Return the code of one time step."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def accepted_step(*, secret: str, code: str, now_s: float, last_step: int) -> int | None:
    """Return the time step of a right code, or None if it is wrong or was used before."""
    present = int(now_s) // STEP_S
    found = None
    for step in range(present - SKEW_STEPS, present + SKEW_STEPS + 1):
        right = code_at(secret=secret, step=step)
        if hmac.compare_digest(right.encode(), code.encode("utf-8", "replace")):
            found = step
    return found if found is not None and found > last_step else None
