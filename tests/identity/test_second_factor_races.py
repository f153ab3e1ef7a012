"""Two who race with one code: the row of the authenticator, or of the code, lets one pass."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import BallastError
from identity.models import RecoveryCode
from identity.one_time_passwords import STEP_S, code_at
from identity.operations import second_factor
from identity.origins import NOWHERE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kind", ["totp", "recovery_code"])
def test_of_two_who_race_with_one_code_one_passes(people: Any, kind: str) -> None:
    now = timezone.now()
    secret = second_factor.begin(user=people.owner, now=now).secret
    step = int(now.timestamp()) // STEP_S
    codes = second_factor.confirm(
        user=people.owner, code=code_at(secret=secret, step=step), now=now, origin=NOWHERE
    )
    later = now + timedelta(minutes=5)
    right = code_at(secret=secret, step=int(later.timestamp()) // STEP_S)
    code = right if kind == "totp" else codes[0]
    start, answers = threading.Barrier(4), []

    def use() -> None:
        start.wait()
        try:
            answers.append(
                second_factor.accept(user=people.owner, code=code, now=later, origin=NOWHERE)
            )
        except BallastError as refusal:
            answers.append(refusal.code)
        finally:
            connection.close()

    rivals = [threading.Thread(target=use) for _ in range(4)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(timeout=30)
    assert sorted(answers) == sorted([kind] + ["otp_invalid"] * 3)
    left = RecoveryCode.objects.filter(used_at=None).count()
    assert left == (10 if kind == "totp" else 9)
