"""One-time passwords against RFC 6238 (appendix B), clock skew and replay. Pure."""

import base64

import pytest

from identity import one_time_passwords, secrets_kept
from identity.mail_tokens import is_token_of, link_id, link_key, link_token
from identity.one_time_passwords import accepted_step, code_at, new_secret
from identity.operations.second_factor import setup_address
from identity.origins import device_name

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("time_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_of_the_standard(time_s: int, code: str) -> None:
    assert code_at(secret=RFC_SECRET, step=time_s // 30) == code


def test_clocks_may_differ_by_one_step_and_no_more() -> None:
    secret, now_s = new_secret(), 1_800_000_015.0
    present = int(now_s) // 30
    accepted = [
        shift
        for shift in range(-3, 4)
        if accepted_step(
            secret=secret,
            code=code_at(secret=secret, step=present + shift),
            now_s=now_s,
            last_step=0,
        )
        is not None
    ]
    assert accepted == [-1, 0, 1]


def test_a_code_works_once_and_so_does_no_older_one_after_it() -> None:
    secret, now_s = new_secret(), 1_800_000_015.0
    present = int(now_s) // 30
    code = code_at(secret=secret, step=present)
    assert accepted_step(secret=secret, code=code, now_s=now_s, last_step=present - 1) == present
    assert accepted_step(secret=secret, code=code, now_s=now_s, last_step=present) is None
    older = code_at(secret=secret, step=present - 1)
    assert accepted_step(secret=secret, code=older, now_s=now_s, last_step=present) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "２８７０８２", "\x00" * 6])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert accepted_step(secret=RFC_SECRET, code=code, now_s=59, last_step=0) is None


def test_an_app_is_set_up_by_an_address_that_it_reads() -> None:
    address = setup_address(secret="ABC", email="a+b@x.example")
    assert address == (
        "otpauth://totp/Ballast%3Aa%2Bb%40x.example?secret=ABC&issuer=Ballast&digits=6&period=30"
    )
    assert len(base64.b32decode(new_secret())) == one_time_passwords._SECRET_BYTES == 20


def test_a_recovery_code_may_be_typed_as_people_type() -> None:
    code = secrets_kept.new_recovery_code()
    stored = secrets_kept.recovery_code_hash(code, user_id=7)
    for typed in (code, code.upper(), code.replace("-", " "), f" {code.replace('-', '')} "):
        assert secrets_kept.recovery_code_hash(typed, user_id=7) == stored
        assert secrets_kept.looks_like_recovery_code(typed)
    assert secrets_kept.recovery_code_hash(code, user_id=8) != stored
    assert not secrets_kept.looks_like_recovery_code("123456")


def test_a_sealed_secret_opens_with_its_own_key_only() -> None:
    key, other = secrets_kept.sealing_key("a" * 40), secrets_kept.sealing_key("b" * 40)
    text = secrets_kept.sealed("JBSWY3DP", key=key)
    assert "JBSWY3DP" not in text
    assert secrets_kept.unsealed(text, key=key) == "JBSWY3DP"
    with pytest.raises(secrets_kept.Unreadable):
        secrets_kept.unsealed(text, key=other)


def test_the_token_of_a_link_belongs_to_one_link_purpose_and_address() -> None:
    from uuid import uuid4

    key, public_id = link_key("s" * 40), uuid4()
    token = link_token(key=key, public_id=public_id, purpose="password_reset", email="a@b.example")
    right = {"public_id": public_id, "purpose": "password_reset", "email": "a@b.example"}
    assert link_id(token) == public_id
    assert is_token_of(token, key=key, **right)  # type: ignore[arg-type]
    for name, other in [
        ("public_id", uuid4()),
        ("purpose", "verify_email"),
        ("email", "c@b.example"),
    ]:
        assert not is_token_of(token, key=key, **{**right, name: other})  # type: ignore[arg-type]
    assert not is_token_of(token, key=link_key("t" * 40), **right)  # type: ignore[arg-type]
    for text in ("", ".", "x.y", "0" * 32, "z" * 32 + ".y", "é" * 40):
        assert link_id(text) is None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/132.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x\x00\x1b[31m" + "y" * 500, "x[31m" + "y" * 115),
        ("", ""),
    ],
)
def test_devices_are_called_as_people_call_them(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
