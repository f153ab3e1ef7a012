"""Tokens that are not ours, not current or not of the right kind."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest

from identity.token_signing import (
    Access,
    Refresh,
    TokenRefused,
    access_token,
    read_access,
    read_refresh,
    refresh_token,
    signing_key,
)

KEY = signing_key("a secret of at least thirty-two characters")
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
FAMILY = UUID("01900000-0000-7000-8000-000000000001")
ACCESS = Access(7, "01900000-0000-7000-8000-000000000007", 3, str(FAMILY))
REFRESH = Refresh(7, 3, FAMILY, 2)
QUARTER = timedelta(minutes=15)


def _access(key: bytes = KEY) -> str:
    return access_token(key=key, claims=ACCESS, now=NOW, lifetime=QUARTER)


def _refresh() -> str:
    return refresh_token(key=KEY, claims=REFRESH, now=NOW, expires_at=NOW + timedelta(days=30))


def test_a_token_says_what_it_was_given() -> None:
    assert read_access(key=KEY, token=_access(), now=NOW) == ACCESS
    assert read_refresh(key=KEY, token=_refresh(), now=NOW) == REFRESH


def test_an_access_token_ends_after_fifteen_minutes_to_the_second() -> None:
    token = _access()
    almost = NOW + QUARTER - timedelta(seconds=1)
    assert read_access(key=KEY, token=token, now=almost) == ACCESS
    with pytest.raises(TokenRefused) as refusal:
        read_access(key=KEY, token=token, now=NOW + QUARTER)
    assert refusal.value.code == "token_expired"


def _claims(**changes: object) -> dict[str, object]:
    claims = {
        "type": "access",
        "sub": ACCESS.public_id,
        "uid": 7,
        "ver": 3,
        "fam": str(FAMILY),
        "aud": "ballast",
        "nbf": int(NOW.timestamp()),
        "exp": int((NOW + QUARTER).timestamp()),
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


FORGED = {
    "another key": _access(signing_key("another secret of thirty-two characters")),
    "the secret itself as key": jwt.encode(
        _claims(), "a secret of at least thirty-two characters", "HS256"
    ),
    "no signature": jwt.encode(_claims(), None, "none"),  # type: ignore[arg-type]
    "another algorithm": jwt.encode(_claims(), KEY * 2, "HS512"),
    "a refresh token": _refresh(),
    "no type": jwt.encode(_claims(type=None), KEY, "HS256"),
    "no expiry": jwt.encode(_claims(exp=None), KEY, "HS256"),
    "an expiry in words": jwt.encode(_claims(exp="never"), KEY, "HS256"),
    "no audience": jwt.encode(_claims(aud=None), KEY, "HS256"),
    "for somebody else": jwt.encode(_claims(aud="other"), KEY, "HS256"),
    "for many": jwt.encode(_claims(aud=["ballast", "other"]), KEY, "HS256"),
    "no beginning": jwt.encode(_claims(nbf=None), KEY, "HS256"),
    "a beginning in words": jwt.encode(_claims(nbf="now"), KEY, "HS256"),
    "no user": jwt.encode(_claims(uid=None), KEY, "HS256"),
    "a user in words": jwt.encode(_claims(uid="x"), KEY, "HS256"),
    "a family that is none": jwt.encode(_claims(fam="x"), KEY, "HS256"),
    "a list": "W10.W10.W10",
    "nothing": "",
    "not ASCII": "ü.ü.ü",
    "a NUL": "a.b\x00.c",
    "very long": "a" * 100_000,
    "changed by one letter": _access()[:-2] + "AA",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(token: str) -> None:
    for _ in range(2):  # a refusal is not remembered as anything else
        with pytest.raises(TokenRefused) as refusal:
            read_access(key=KEY, token=token, now=NOW)
        assert (refusal.value.status, refusal.value.code) == (401, "token_invalid")


def test_a_token_counts_from_its_beginning_but_for_the_skew_of_clocks() -> None:
    token = _access()
    assert read_access(key=KEY, token=token, now=NOW - timedelta(seconds=30)) == ACCESS
    with pytest.raises(TokenRefused) as refusal:
        read_access(key=KEY, token=token, now=NOW - timedelta(seconds=31))
    assert (refusal.value.status, refusal.value.code) == (401, "token_not_yet")


def test_an_access_token_does_not_refresh() -> None:
    with pytest.raises(TokenRefused):
        read_refresh(key=KEY, token=_access(), now=NOW)
