"""The second factor over the API: set-up, log-in, replay, recovery codes, recent proof."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from identity.models import Authenticator, RecoveryCode, SecurityEvent, TokenFamily, User
from identity.one_time_passwords import STEP_S, code_at
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.django_db

LogIn = Callable[..., APIClient]
START = "2026-01-05T12:00:00Z"


def code(secret: str, *, steps: int = 0) -> str:
    return code_at(secret=secret, step=int(timezone.now().timestamp()) // STEP_S + steps)


def set_up(api: APIClient) -> tuple[str, list[str]]:
    """Add an authenticator app; return its secret and the recovery codes."""
    answer = api.post("/api/v1/auth/mfa/totp")
    assert answer.status_code == 201, answer.content
    secret = answer.json()["secret"]
    assert f"secret={secret}" in answer.json()["address"]
    done = api.post("/api/v1/auth/mfa/totp/confirm", {"code": code(secret)})
    assert done.status_code == 200, done.content
    return secret, done.json()["recovery_codes"]


def token(user: User, **more: Any) -> Any:
    body = {"email": user.email, "password": PASSWORD, **more}
    return APIClient().post("/api/v1/auth/token", body)


def test_with_a_second_factor_the_password_alone_opens_nothing(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, codes = set_up(log_in(people.owner))
        assert len(codes) == len(set(codes)) == 10
        before = TokenFamily.objects.count()
        clock.shift(timedelta(minutes=2))
        without = token(people.owner)
        assert (without.status_code, without.json()["code"]) == (401, "otp_required")
        wrong = token(people.owner, otp="000000")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "otp_invalid")
        assert token(people.owner, password="wrong", otp=code(secret)).json()["code"] == (
            "credentials_invalid"
        )
        assert TokenFamily.objects.count() == before
        right = token(people.owner, otp=code(secret))
        assert set(right.json()) == {"access", "refresh", "expires_in"}


def test_before_its_first_code_an_app_is_no_factor(people: Any, log_in: LogIn) -> None:
    api = log_in(people.owner)
    assert api.post("/api/v1/auth/mfa/totp").status_code == 201
    wrong = api.post("/api/v1/auth/mfa/totp/confirm", {"code": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "totp_code_wrong")
    assert token(people.owner).status_code == 200
    assert not RecoveryCode.objects.exists()


def test_a_code_is_refused_the_second_time(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, _ = set_up(log_in(people.owner))
        # The code of the set-up is used up too.
        assert token(people.owner, otp=code(secret)).json()["code"] == "otp_invalid"
        clock.shift(timedelta(seconds=STEP_S))
        used = code(secret)
        assert token(people.owner, otp=used).status_code == 200
        assert token(people.owner, otp=used).json()["code"] == "otp_invalid"


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (1, 200), (2, 401)])
def test_a_clock_may_be_wrong_by_one_step(
    people: Any, log_in: LogIn, steps: int, status: int
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, _ = set_up(log_in(people.owner))
        clock.shift(timedelta(minutes=10))
        assert token(people.owner, otp=code(secret, steps=steps)).status_code == status


def test_a_recovery_code_logs_in_once_and_says_so(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False):
        _, codes = set_up(log_in(people.owner))
    assert token(people.owner, otp=codes[3].upper()).status_code == 200
    assert token(people.owner, otp=codes[3]).json()["code"] == "otp_invalid"
    event = SecurityEvent.objects.get(kind="recovery_code_used")
    assert (event.user, event.details) == (people.owner, {"left": 9})
    assert codes[4] not in str(list(RecoveryCode.objects.values()))


def test_one_persons_code_opens_nobody_elses_door(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, codes = set_up(log_in(people.owner))
        set_up(log_in(people.spouse))
        clock.shift(timedelta(minutes=2))
        for wrong in (code(secret), codes[0]):
            answer = token(people.spouse, otp=wrong)
            assert (answer.status_code, answer.json()["code"]) == (401, "otp_invalid")
        assert RecoveryCode.objects.filter(user=people.owner, used_at=None).count() == 10


def test_new_recovery_codes_end_the_old_ones(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False):
        api = log_in(people.owner)
        _, old = set_up(api)
        new = api.post("/api/v1/auth/mfa/recovery-codes").json()["recovery_codes"]
    assert not set(new) & set(old)
    assert token(people.owner, otp=old[0]).json()["code"] == "otp_invalid"
    assert token(people.owner, otp=new[0]).status_code == 200


def test_without_a_factor_there_are_no_recovery_codes(people: Any, log_in: LogIn) -> None:
    answer = log_in(people.owner).post("/api/v1/auth/mfa/recovery-codes")
    assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_missing")
    assert not RecoveryCode.objects.exists()


def test_removing_the_app_needs_a_recent_proof(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        api = log_in(people.owner)
        secret, _ = set_up(api)
        clock.shift(timedelta(minutes=14))
        pair = token(people.owner, otp=code(secret)).json()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
        clock.shift(timedelta(minutes=10))
        refresh = APIClient().post("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]})
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {refresh.json()['access']}")
        clock.shift(timedelta(minutes=6))
        refused = api.delete("/api/v1/auth/mfa/totp")
        assert (refused.status_code, refused.json()["code"]) == (403, "proof_required")
        assert Authenticator.objects.filter(confirmed_at__isnull=False).exists()
        # With a second factor, the password is no proof.
        weak = api.post("/api/v1/auth/proof", {"password": PASSWORD})
        assert (weak.status_code, weak.json()["code"]) == (400, "otp_required")
        wrong = api.post("/api/v1/auth/proof", {"otp": "123456"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "otp_invalid")
        assert api.delete("/api/v1/auth/mfa/totp").json()["code"] == "proof_required"
        assert api.post("/api/v1/auth/proof", {"otp": code(secret)}).status_code == 204
        assert api.delete("/api/v1/auth/mfa/totp").status_code == 204
    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert token(people.owner).status_code == 200
    kinds = set(SecurityEvent.objects.values_list("kind", flat=True))
    assert {"second_factor_added", "second_factor_removed"} <= kinds


def test_without_a_factor_the_password_is_the_proof(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        api = log_in(people.owner)
        TokenFamily.objects.update(proved_at=None)
        assert api.post("/api/v1/auth/mfa/totp").json()["code"] == "proof_required"
        wrong = api.post("/api/v1/auth/proof", {"password": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "password_wrong")
        assert api.post("/api/v1/auth/proof", {"password": PASSWORD}).status_code == 204
        clock.shift(timedelta(minutes=14))
        assert api.post("/api/v1/auth/mfa/totp").status_code == 201


def test_a_second_app_is_refused_while_one_is_set_up(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False):
        api = log_in(people.owner)
        set_up(api)
        kept = Authenticator.objects.values().get()
        again = api.post("/api/v1/auth/mfa/totp")
        assert (again.status_code, again.json()["code"]) == (409, "totp_exists")
        late = api.post("/api/v1/auth/mfa/totp/confirm", {"code": "000000"})
        assert (late.status_code, late.json()["code"]) == (409, "totp_not_started")
        assert Authenticator.objects.values().get() == kept


def test_there_is_nothing_to_remove_without_an_app(people: Any, log_in: LogIn) -> None:
    api = log_in(people.owner)
    assert api.post("/api/v1/auth/mfa/totp").status_code == 201
    answer = api.delete("/api/v1/auth/mfa/totp")
    assert (answer.status_code, answer.json()["code"]) == (409, "totp_missing")


def test_guessing_codes_is_bounded_and_leaves_the_owner_in(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        api = log_in(people.owner)  # from 127.0.0.1, which is known from now on
        secret, _ = set_up(api)
        clock.shift(timedelta(minutes=2))
        body = {"email": people.owner.email, "password": PASSWORD, "otp": "000000"}
        answers = [
            APIClient().post("/api/v1/auth/token", body, REMOTE_ADDR=f"10.0.0.{number}").status_code
            for number in range(6)
        ]
        assert answers == [401] * 5 + [429]
        assert token(people.owner, otp=code(secret)).status_code == 200


def test_guessing_codes_as_a_proof_is_bounded_by_the_day(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False) as clock:
        api = log_in(people.owner)
        set_up(api)
        answers = []
        for _ in range(11):
            clock.shift(timedelta(seconds=61))
            answers += [
                api.post("/api/v1/auth/proof", {"otp": "000000"}).status_code for _ in range(5)
            ]
        assert answers == [400] * 50 + [429] * 5


def test_the_state_says_what_is_set_up_and_no_secret(people: Any, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False):
        api = log_in(people.owner)
        empty = {"totp": False, "passkeys": 0, "recovery_codes_left": 0}
        assert api.get("/api/v1/auth/mfa").json() == empty
        secret, _ = set_up(api)
        full = {"totp": True, "passkeys": 0, "recovery_codes_left": 10}
        assert api.get("/api/v1/auth/mfa").json() == full
        assert secret not in str(Authenticator.objects.values().get())


def test_an_app_sealed_with_another_key_is_no_way_in(
    people: Any, log_in: LogIn, settings: Any
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        secret, codes = set_up(log_in(people.owner))
        clock.shift(timedelta(minutes=2))
        settings.SECRET_KEY = "another-key-of-forty-characters-at-least-"
        answer = token(people.owner, otp=code(secret))
        assert (answer.status_code, answer.json()["code"]) == (401, "otp_invalid")
        assert token(people.owner, otp=codes[0]).status_code == 200
