"""Regular expressions meet text of strangers here: none may take more than linear time.

Python's `re` holds the interpreter's lock and cannot be interrupted, so one expression that
backtracks stops every request of its process.
"""

import importlib
import pkgutil
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from re import _constants, _parser  # Python's own parser of patterns
from typing import Any

import pytest

from transactions import files

# All of it takes about a second; one quadratic expression takes ten, a cubic one days.
CHARS = 30_000
CPU_S_MAX = 20


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every compiled expression at the top of the modules that read or write files."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in pkgutil.walk_packages(files.__path__, files.__name__ + "."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for place, pattern in enumerate(_inside(value)):
                found[f"{module.name}.{name}.{place}"] = pattern
    return found


def _inside(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _inside(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _inside(inner)


def unbounded(tree: Any) -> bool:
    """Whether something in a parsed expression may repeat without end."""
    for code, argument in tree:
        if code in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            if argument[1] == _constants.MAXREPEAT or unbounded(argument[2]):
                return True
        elif isinstance(argument, tuple | list):
            inner = [part for part in argument if isinstance(part, _parser.SubPattern)]
            inner += [p for part in argument if isinstance(part, list) for p in part
                      if isinstance(p, _parser.SubPattern)]  # fmt: skip
            if any(unbounded(part) for part in inner):
                return True
    return False


def test_the_parts_of_an_expression_are_looked_into() -> None:
    for text in ("a*", "(?:ab+)?c", "(x|y{2,})", "(?=a+)", "[ab]*?", "(?P<n>(?:a|(b*)))"):
        assert unbounded(_parser.parse(text)), text
    assert not unbounded(_parser.parse("a{1,9}(?:b{0,3}|c?)"))


@pytest.mark.parametrize("name", patterns())
def test_every_repetition_has_an_end(name: str) -> None:
    pattern = patterns()[name]
    assert not unbounded(_parser.parse(pattern.pattern, pattern.flags)), pattern.pattern


# What is repeated, alone and after what an expression begins with.
TEXTS = [
    *[("", bit) for bit in (" ", "a", "1", ".", "'", "<", "=", "1 ", "a ", "adr", "12-", "é")],
    *[("", bit) for bit in ("überweisung ", "<!--", "Buy 1 ", "&#1", "AB(", " as of ", "1,111")],
    *[("Buy 1", " "), ("Koop 1 @", " "), ("2024-01-05", " "), ("<a", " "), ("(1", ",")],
    *[("<?xml ", 'encoding="a'), ("VT", " "), ("A", "A"), ("5 Jan", "-"), ("1:", "1")],
]


def test_no_expression_takes_more_than_linear_time() -> None:
    """In a process of its own that is ended after CPU_S_MAX seconds at work, not of waiting."""
    subprocess.run([sys.executable, __file__], check=True)


def _meet_all() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    for pattern in patterns().values():
        for head, bit in TEXTS:
            text = head + bit * (CHARS // len(bit)) + "!"
            whole: Any = text if isinstance(pattern.pattern, str) else text.encode()
            pattern.search(whole)


if __name__ == "__main__":
    _meet_all()
