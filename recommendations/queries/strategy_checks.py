"""Reads: whether versions and daily records are what was published and computed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recommendations.models import Strategy, StrategyRecord, StrategyVersion
from recommendations.queries.strategy_records import links, strategies_on_record
from recommendations.strategies.chain import VersionFacts, broken
from recommendations.strategies.day_chain import Link, faults

_AT_ONCE = 200
_VERSION_FAULTS = {
    "number": "a version before it is missing",
    "previous_hash": "it does not follow the version before",
    "hash": "its content is not what was hashed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong: the strategy, the row, and why."""

    strategy: Strategy
    row: str
    code: str
    detail: str


@dataclass(slots=True)
class Checked:
    """How much was checked so far."""

    strategies: int = 0
    versions: int = 0
    days: int = 0


def findings(checked: Checked) -> Iterator[Finding]:
    """Check every published strategy and yield what is wrong; days are read a thousand at once."""
    after = 0
    while rows := list(strategies_on_record(after=after, limit=_AT_ONCE)):
        after = rows[-1].pk
        ends = StrategyRecord.objects.in_bulk([row.pk for row in rows])
        for row in rows:
            checked.strategies += 1
            yield from _versions(row, checked)
            yield from _days(row, ends.get(row.pk), checked)


def _versions(row: Strategy, checked: Checked) -> Iterator[Finding]:
    stored = list(
        StrategyVersion.objects.filter(strategy=row).select_related("targets").order_by("number")
    )
    checked.versions += len(stored)
    facts = [
        (
            VersionFacts(
                str(row.public_id),
                one.number,
                one.targets.weights,
                one.rules,
                one.change_note,
                one.published_at,
                one.previous_hash,
            ),
            one.hash,
        )
        for one in stored
    ]
    for number, code in broken(facts):
        yield Finding(row, f"version {number}", f"version_{code}", _VERSION_FAULTS[code])
    yield from _shown(row, stored)


def _shown(row: Strategy, stored: Sequence[StrategyVersion]) -> Iterator[Finding]:
    """Yield what the strategy says of its versions and they do not."""
    if not stored or row.current_version_id != stored[-1].pk:
        number = stored[-1].number if stored else 1
        yield Finding(
            row, f"version {number}", "version_not_in_force", "The newest version is not shown."
        )
    if stored and row.published_at != stored[0].published_at:
        yield Finding(
            row,
            "version 1",
            "publication_changed",
            f"It was published at {stored[0].published_at}, and says {row.published_at}.",
        )


def _days(row: Strategy, end: StrategyRecord | None, checked: Checked) -> Iterator[Finding]:
    hashes: dict[int, str] = dict(
        StrategyVersion.objects.filter(strategy=row).values_list("number", "hash")
    )
    last: list[Link] = []

    def counted() -> Iterator[Link]:
        for link in links(row.pk):
            checked.days += 1
            last[:] = [link]
            yield link

    for fault in faults(links=counted(), versions=hashes):
        yield Finding(row, f"day {fault.day}", fault.code, fault.detail)
    newest = last[0] if last else None
    stated: tuple[Any, Any] = (end.last_date, end.last_hash) if end is not None else (None, "")
    found = (newest.figures.day, newest.hash) if newest is not None else (None, "")
    if stated != found:
        yield Finding(
            row,
            f"record to {stated[0]}",
            "record_end_changed",
            f"Its last day should be {stated[0]}, and is {found[0]}, or has another hash.",
        )
