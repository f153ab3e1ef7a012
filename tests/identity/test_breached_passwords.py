"""Passwords that stand in lists of breached ones are refused; others are not."""

import secrets
import string

import pytest
from rest_framework.test import APIClient

from identity.breached_passwords import ROOTS_FILE, count_below, is_breached, roots
from identity.models import User

BREACHED = """
Password2024! P@ssw0rd123 passw0rd1234 Welcome2023 qwerty123456 QwertyUiop1 1q2w3e4r5t iloveyou123
Monkey12345 dragon1990! Summer.2019 summer2020!! liverpool99 Arsenal1886 1234567890 0987654321
1111111111 12345678910 123456123456 19851985 01011990 31121999!! abcdefghij abcabcabcabc aaaaaaaaaa
qazwsxedcrfv asdfghjkl; monkeymonkey PrincessAngel michael1985 !Password1! 2020Password admin@123456
letmein12345 trustno1111 football.2021 Ballast2024! sunshine_2020 charlie-1 1234Password
"""
GOOD = """
correct-horse-battery-staple a-long-enough-password tk3!vQp0zLmW9 Xy7#plumbago~Vex
wheelbarrowQuixotry81734 my-grandmother-sold-turnips 8f3b1c9e7a2d5b60 seven.blue.lanterns.sing
dragon83651947 Tr0ub4dour&3xyz!q
"""


@pytest.mark.parametrize("password", BREACHED.split())
def test_what_attackers_try_first_is_recognized(password: str) -> None:
    assert is_breached(password)


@pytest.mark.parametrize("password", GOOD.split())
def test_passphrases_and_random_texts_are_not(password: str) -> None:
    assert not is_breached(password)


def test_what_a_password_manager_makes_is_hardly_ever_refused() -> None:
    signs = string.ascii_letters + string.digits + "!#$%&*+-_"
    made = ["".join(secrets.choice(signs) for _ in range(14)) for _ in range(2000)]
    assert not [one for one in made if is_breached(one)]


def test_few_kilobytes_stand_for_a_hundred_million_passwords() -> None:
    assert ROOTS_FILE.stat().st_size < 10_000
    assert len(roots()) > 900
    assert count_below() > 100_000_000
    assert all(word == word.lower() and word.isascii() for word in roots())


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["Password2024!", "Monkey12345"])
def test_nobody_registers_with_one(password: str) -> None:
    body = {"email": "new@b.example", "password": password, "full_name": "New"}
    answer = APIClient().post("/api/v1/auth/register", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "password_weak")
    assert not User.objects.exists()
