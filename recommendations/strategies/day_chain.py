"""The hash chain of daily records. Pure.

    h_0   the hash of the first version
    h_d   sha256 of h_{d-1}, the hash of the version that was valid, and the figures of the day

Who changes a stored day, or takes one out, changes every hash after it; who computes them all again
changes the last one, which the page and the API show and anybody may have written down.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recommendations.strategies.walk import DECIMALS


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The figures of one day that its hash is of."""

    day: date
    version: int
    value: float
    gain: float
    benchmark: float | None
    turnover: float
    cost: float
    weights: Mapping[int, float]
    pending: bool
    session: bool
    carried: Sequence[str]
    ended: Sequence[str]


@dataclass(frozen=True, slots=True)
class Link:
    """A stored day with its hashes."""

    figures: DayFigures
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a stored day: code, day, sentence."""

    code: str
    day: date
    detail: str


def text(value: float) -> str:
    """Return a figure as it is hashed and stored."""
    return f"{value:.{DECIMALS}f}"


def day_hash(*, previous_hash: str, version_hash: str, figures: DayFigures) -> str:
    """Return the hash of a day in hexadecimal digits."""
    content = [
        previous_hash,
        version_hash,
        figures.day.isoformat(),
        figures.version,
        text(figures.value),
        text(figures.gain),
        None if figures.benchmark is None else text(figures.benchmark),
        text(figures.turnover),
        text(figures.cost),
        {str(pk): text(weight) for pk, weight in figures.weights.items()},
        figures.pending,
        figures.session,
        list(figures.carried),
        list(figures.ended),
    ]
    packed = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(packed.encode()).hexdigest()


def faults(*, links: Iterable[Link], versions: Mapping[int, str]) -> Iterable[Fault]:
    """Return what is wrong with the days of one strategy, ascending; `versions` are hashes."""
    expected = versions.get(1, "")
    before: date | None = None
    for link in links:
        day = link.figures.day
        if before is not None and _weekdays_between(before, day):
            yield Fault("day_missing", day, f"A day between {before} and {day} is missing.")
        if link.previous_hash != expected:
            yield Fault("chain_broken", day, "It does not follow the day before.")
        version_hash = versions.get(link.figures.version)
        if version_hash is None:
            yield Fault("version_missing", day, f"Version {link.figures.version} is missing.")
        elif link.hash != day_hash(
            previous_hash=link.previous_hash, version_hash=version_hash, figures=link.figures
        ):
            yield Fault("day_changed", day, "Its figures are not those that were hashed.")
        expected, before = link.hash, day


def _weekdays_between(before: date, day: date) -> bool:
    return any((number - 1) % 7 < 5 for number in range(before.toordinal() + 1, day.toordinal()))
