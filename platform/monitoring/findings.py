"""What a check of the doctor found, and what to do about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """From harmless to broken. `skipped`: something before it is broken, so nobody could look."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on what is so, and one on what to do."""

    level: Level
    text: str
    what_to_do: str = ""
    blocks: bool = False  # checks that need this one cannot look


def fine(text: str) -> Finding:
    return Finding(Level.OK, text)


def warning(text: str, what_to_do: str) -> Finding:
    return Finding(Level.WARNING, text, what_to_do)


def problem(text: str, what_to_do: str, *, blocks: bool = False) -> Finding:
    return Finding(Level.PROBLEM, text, what_to_do, blocks)


@dataclass(frozen=True, slots=True)
class Check:
    """A named look at one thing. `needs`: checks that must not block it."""

    name: str
    look: Callable[[], Iterable[Finding]]
    needs: tuple[str, ...] = ()


def age_text(seconds: float) -> str:
    """Return an age in the largest unit that fits: 45 s, 12 min, 5 h, 3 days."""
    for unit, length_s in (("days", 172_800.0), ("h", 7200.0), ("min", 120.0)):
        if seconds >= length_s:
            one = {"days": 86_400.0, "h": 3600.0, "min": 60.0}[unit]
            return f"{seconds / one:.0f} {unit}"
    return f"{seconds:.0f} s"
