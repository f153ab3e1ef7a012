"""The hash chain over the versions of a strategy."""

from dataclasses import replace
from datetime import UTC, datetime

from recommendations.strategies.chain import VersionFacts, broken, version_hash

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def chain(length: int) -> list[tuple[VersionFacts, str]]:
    found: list[tuple[VersionFacts, str]] = []
    before = ""
    for number in range(1, length + 1):
        weights = [{"symbol": "CASH", "target_percentage": str(number)}]
        facts = VersionFacts("s", number, weights, {"bands": True}, "", NOON, before)
        before = version_hash(facts)
        found.append((facts, before))
    return found


def test_an_honest_chain_holds() -> None:
    assert list(broken(chain(4))) == []
    assert list(broken([])) == []


def test_the_hash_is_one_that_anybody_can_compute() -> None:
    import hashlib

    text = (
        '{"change_note":"","number":1,"previous_hash":"","published_at":"2026-03-02T12:00:00Z",'
        '"rules":{"bands":true},"strategy_id":"s",'
        '"weights":[{"symbol":"CASH","target_percentage":"1"}]}'
    )
    assert chain(1)[0][1] == hashlib.sha256(text.encode()).hexdigest()


def test_a_changed_version_is_found() -> None:
    rows = chain(3)
    facts, stored = rows[1]
    rows[1] = (replace(facts, change_note="better"), stored)
    assert list(broken(rows)) == [(2, "hash")]


def test_a_version_replaced_with_its_hash_is_found_in_the_next() -> None:
    rows = chain(3)
    facts = replace(rows[1][0], change_note="better")
    rows[1] = (facts, version_hash(facts))
    assert list(broken(rows)) == [(3, "previous_hash")]


def test_a_missing_version_is_found() -> None:
    rows = chain(3)
    del rows[1]
    assert list(broken(rows)) == [(3, "number"), (3, "previous_hash")]
