"""Registering: what is made, what is refused, and what nobody learns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from core.errors import InvalidInput
from identity.models import Household, Invitation, User
from identity.operations import households, users

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
GOOD = {"email": "New@Ballast.example", "password": "correct horse battery"}


def _register(**changes: Any) -> Any:
    return APIClient().post("/api/v1/auth/register", {**GOOD, **changes})


def test_a_new_user_gets_a_household_and_an_argon2id_hash() -> None:
    answer = _register(full_name="New Person")
    assert (answer.status_code, answer.json()) == (201, {"email": "new@ballast.example"})
    user = User.objects.get(email="new@ballast.example")
    assert user.password.startswith("argon2$argon2id$")
    assert (user.role, user.is_staff, user.is_superuser) == ("investor", False, False)
    assert user.household.name == "New Person"


def test_a_taken_address_gets_the_same_answer_and_changes_nothing(people: Any) -> None:
    before = (User.objects.count(), Household.objects.count(), people.owner.password)
    taken, free = _register(email="OWNER@ballast.example"), _register()
    people.owner.refresh_from_db()
    assert taken.status_code == free.status_code == 201
    assert set(taken.json()) == set(free.json()) == {"email"}
    after = (User.objects.count() - 1, Household.objects.count() - 1, people.owner.password)
    assert after == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "short"}, "password_weak"),
        ({"password": "password1234"}, "password_weak"),
        ({"password": "new@ballast.example"}, "password_weak"),
        ({"password": "x" * 201}, "max_length"),
        ({"password": None}, "null"),
        ({"email": "nobody"}, "invalid"),
        ({"email": "a" * 250 + "@b.example"}, "max_length"),
        ({"full_name": "x" * 121}, "max_length"),
        ({"full_name": "a\x00b"}, "null_characters_not_allowed"),
        ({"role": "operator"}, "unknown_field"),
        ({"is_superuser": True}, "unknown_field"),
        ({"invitation": "guessed"}, "invitation_invalid"),
    ],
)
def test_a_registration_that_is_wrong_makes_nobody(changes: dict[str, Any], code: str) -> None:
    answer = _register(**changes)
    assert answer.status_code == 400
    assert code in {answer.json()["code"], *(e["code"] for e in answer.json()["errors"])}
    assert not User.objects.exists()
    assert not Household.objects.exists()


@pytest.mark.parametrize(
    "email", ["x@Ɤ.example", "x@a_b.example", "ß@t.example", "x@xn--a.example"]
)
def test_an_address_that_cannot_be_folded_is_refused(email: str) -> None:
    answer = _register(email=email)
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["invalid"]
    assert not User.objects.exists()


def test_one_mailbox_is_one_user() -> None:
    spellings = ["tsk0@t.example", "TSK0@T.EXAMPLE", "tſk0@ｔ.example", "ts\u212a0@t.example"]
    for email in spellings:
        assert _register(email=email).json() == {"email": "tsk0@t.example"}
    assert User.objects.count() == 1
    assert _register(email="jo@bücher.example").json() == {"email": "jo@xn--bcher-kva.example"}


def test_registering_too_often_is_refused(settings: Any) -> None:
    settings.RATE_LIMITS = {"register.per_subject": "2/hour"}
    statuses = [_register().status_code for _ in range(3)]
    assert statuses == [201, 201, 429]
    assert User.objects.count() == 1


def _invited(people: Any, *, email: str = "new@ballast.example") -> str:
    _, token = households.invite(user=people.owner, email=email, now=NOW)
    return token


def _accept(token: str, *, email: str = "new@ballast.example", days: float = 0) -> User | None:
    return users.register(
        email=email,
        password=GOOD["password"],
        full_name="Spouse",
        invitation=token,
        now=NOW + timedelta(days=days),
    )


def test_an_invited_spouse_joins_the_household_once(people: Any) -> None:
    token = _invited(people)
    spouse = _accept(token, days=6.9)
    assert spouse is not None
    assert spouse.household == people.owner.household
    with pytest.raises(InvalidInput) as refusal:
        _accept(token)
    assert refusal.value.code == "invitation_invalid"
    assert User.objects.filter(household=people.owner.household).count() == 3


@pytest.mark.parametrize("case", ["late", "another address", "taken back", "replaced"])
def test_an_invitation_that_is_over_opens_nothing(people: Any, case: str) -> None:
    token = _invited(people)
    if case == "taken back":
        invitation = Invitation.objects.get()
        households.take_back_invitation(
            user=people.spouse, invitation_id=invitation.public_id, now=NOW
        )
    elif case == "replaced":
        _invited(people)
    count = User.objects.count()
    with pytest.raises(InvalidInput) as refusal:
        _accept(
            token,
            days=7 if case == "late" else 0,
            email="thief@ballast.example" if case == "another address" else "new@ballast.example",
        )
    assert refusal.value.code == "invitation_invalid"
    assert User.objects.count() == count
    assert not Invitation.objects.filter(accepted_at__isnull=False).exists()


def test_an_invitation_is_stored_as_a_hash_only(people: Any) -> None:
    token = _invited(people)
    stored = str(Invitation.objects.values().get())
    assert token not in stored
    assert len(token) >= 43
