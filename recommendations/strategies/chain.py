"""The hash chain over the versions of a strategy. Pure.

    hash of version n = SHA-256 of the canonical JSON of
        strategy id, n, weights, rules, change note, time of publication, hash of version n - 1

A hash depends on everything before it. So a changed version shows in its own hash, and a version
that was replaced together with its hash shows in the next one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.dates import instant_text
from core.identifiers import content_hash


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What is hashed of a version, as it is stored."""

    strategy_id: str
    number: int
    weights: Sequence[Mapping[str, Any]]
    rules: Mapping[str, Any]
    change_note: str
    published_at: datetime
    previous_hash: str


def version_hash(facts: VersionFacts) -> str:
    """Return the hash of a version, in hexadecimal."""
    return content_hash(
        {
            "strategy_id": facts.strategy_id,
            "number": facts.number,
            "weights": list(facts.weights),
            "rules": dict(facts.rules),
            "change_note": facts.change_note,
            "published_at": instant_text(facts.published_at),
            "previous_hash": facts.previous_hash,
        }
    )


def broken(versions: Sequence[tuple[VersionFacts, str]]) -> Iterator[tuple[int, str]]:
    """Yield number and reason of each version that does not fit: (facts, stored hash) in order.

    The reasons: `number` (one is missing), `previous_hash` (does not continue the chain), `hash`
    (the content is not that which was hashed).
    """
    before = ""
    for place, (facts, stored) in enumerate(versions, start=1):
        if facts.number != place:
            yield facts.number, "number"
        if facts.previous_hash != before:
            yield facts.number, "previous_hash"
        if version_hash(facts) != stored:
            yield facts.number, "hash"
        before = stored
