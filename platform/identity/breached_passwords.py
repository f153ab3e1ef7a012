"""Passwords that stand in lists of breached ones, recognized by how they are made. Pure.

Such lists are mostly a few words with the same decorations, so the words are stored and the
decorations are rules:

    root           a word of `breached_roots.txt`, or two words, or one repeated
    written        in any case, and with the usual digits and signs for letters: P@ssw0rd
    before, after  a decoration: up to 4 digits, a run (12345, 987, 111111), a year, a date, up to 3
                   signs, in any order

    Password2024!  ->  password + 2024 + !            Monkey12345  ->  monkey + 12345
    qwertyqwerty1  ->  qwerty twice + 1               summer.2019  ->  summer + . + 2019

A password of nothing but such decorations, a repeated short text (abcabcabc), and a walk over the
keyboard (1q2w3e4r5t) count too. Three words or more are a passphrase and are not refused here.

`count_below` says how many passwords of one word this stands for: some hundred million, in less
than eight kilobytes.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOTS_FILE = Path(__file__).with_name("breached_roots.txt")
_LEET = str.maketrans("0134578@$!|+", "oleastbasiit")
_SIGNS_MAX = 3
_DIGITS_MAX = 4
# What is neither a letter nor a digit.
_PARTS = re.compile(r"[0-9]+|[^0-9a-z]+")
_YEAR = re.compile(r"(19[3-9]\d|20[0-4]\d)")
_DATE = re.compile(r"(0?[1-9]|[12]\d|3[01])(0?[1-9]|1[0-2])(\d{2}|19\d\d|20\d\d)|(19|20)\d{6}")
_REPEATED = re.compile(r"(.{1,4}?)\1+(.{0,3})")
# Neighbours on the usual keyboards, in rows; a step to a neighbour is a step of a walk. A walk may
# begin anew at the top of the next column, as in qazwsx: these steps are the rest.
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_WALK_STEPS_OF_TEN = 7


@cache
def roots() -> frozenset[str]:
    """Return the stored words, three letters long or longer."""
    lines = ROOTS_FILE.read_text(encoding="utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(word for word in words if len(word) >= 3)


def is_breached(password: str) -> bool:
    """Return whether a password is one of those that lists of breached passwords are made of."""
    text = password.lower()
    return (
        _is_decoration(text)
        or _REPEATED.fullmatch(text) is not None
        or _is_walk(text)
        or any(_is_of_roots(core) for core in _cores(text))
    )


def _cores(text: str) -> Iterable[str]:
    """Yield what is left without decorations at either end, with signs read as letters."""
    for start in _starts(text):
        for end in _ends(text[start:]):
            core = text[start : start + end]
            if core:
                yield core.translate(_LEET)
                yield core


def _starts(text: str) -> list[int]:
    return [n for n in range(len(text)) if n == 0 or _is_decoration(text[:n])]


def _ends(text: str) -> list[int]:
    return [n for n in range(1, len(text) + 1) if n == len(text) or _is_decoration(text[n:])]


def _is_of_roots(core: str) -> bool:
    known = roots()
    if core in known:
        return True
    parts = re.split(r"[\s._-]", core)
    if len(parts) == 2 and all(part in known for part in parts):
        return True
    return any(core[:n] in known and core[n:] in known for n in range(3, len(core) - 2))


def _is_decoration(text: str) -> bool:
    """Return whether a text is digits and signs of the usual kinds."""
    if not text or re.search("[a-z]", text) or not text.isascii():
        return False
    parts = _PARTS.findall(text)
    signs = sum(len(part) for part in parts if not part.isdigit())
    digits = [part for part in parts if part.isdigit()]
    return (
        signs <= max(_SIGNS_MAX, 0 if digits else len(text) * (len(set(text)) == 1))
        and len(digits) <= 2
        and all(_is_usual(part) for part in digits)
    )


def _is_usual(digits: str) -> bool:
    return (
        len(digits) <= _DIGITS_MAX
        or _is_run(digits)
        or _DATE.fullmatch(digits) is not None
        or _REPEATED.fullmatch(digits) is not None
        or any(
            _is_run(digits[:n]) and (_is_run(digits[n:]) or _YEAR.fullmatch(digits[n:]))
            for n in range(3, len(digits) - 1)
        )
    )


def _is_run(digits: str) -> bool:
    """Return whether digits count up or down by one, or stay; 0 follows 9."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    return len(steps) <= 1 and steps <= {0, 1, 9}


def _is_walk(text: str) -> bool:
    """Return whether almost every step goes to a neighbouring key, or to the next letter."""
    steps = list(pairwise(text))
    near = sum(_are_near(before, after) for before, after in steps)
    return len(steps) > 2 and near * 10 >= _WALK_STEPS_OF_TEN * len(steps)


@cache
def _are_near(before: str, after: str) -> bool:
    if before.isalpha() and after.isalpha() and abs(ord(after) - ord(before)) <= 1:
        return True
    first, second = _place(before), _place(after)
    if first is None or second is None:
        return False
    return abs(first[0] - second[0]) <= 1 and abs(first[1] - second[1]) <= 1


def _place(key: str) -> tuple[int, int] | None:
    for row, keys in enumerate(_ROWS):
        if key in keys:
            return row, keys.index(key)
    return None


def count_below() -> int:
    """Return a lower bound of how many passwords of one word are recognized.

    Lower case, first letter upper, or all upper; then nothing or up to four digits; then nothing or
    one of 32 signs.
    """
    digits = int("1" * (_DIGITS_MAX + 1))  # 1 + 10 + 100 + ...
    return len(roots()) * 3 * digits * 33
