"""Damaged files and random words through the API: answers, never a fault of ours."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.effort import size
from tests.transactions.files.mutations import MUTATIONS, TEXTS, mutated

pytestmark = pytest.mark.django_db

ROUNDS = size("FUZZ_ROUNDS", usual=1, proof=1)
FILES = Path(__file__).parent.parent / "files" / "samples"
SAMPLES = sorted(path for path in FILES.iterdir() if path.suffix != ".expected")
WORDS: list[Any] = [
    *TEXTS,
    "skip",
    "create",
    "AAA",
    "\0",
    "\ud800",
    "a\0b",
    "x" * 200,
    [],
    {},
    None,
    7,
    True,
]


def word(random: Random) -> Any:
    return random.choice(WORDS)


def options(random: Random) -> dict[str, Any]:
    names = (
        "encoding",
        "delimiter",
        "decimal",
        "date_order",
        "types",
        "currency",
        "zone",
        "account",
    )
    said: dict[str, Any] = {name: word(random) for name in random.sample(names, 2)}
    if random.random() < 0.5:
        said["types"] = {str(word(random)).encode(errors="replace").decode(): word(random)}
    return said


def body(random: Random, keys: list[str]) -> dict[str, Any]:
    """A change of an import with one or two fields, some of them sensible."""
    fields: dict[str, Any] = {
        "format": random.choice(["ballast", "ofx", "degiro", word(random)]),
        "mapping": {random.choice(["executed_at", "symbol", "x"]): word(random)},
        "options": options(random),
        "symbols": {key: word(random) for key in random.sample(keys, min(2, len(keys)))}
        or {"ZZZ": word(random)},
        "include": [random.choice([1, 2, 999, -1])],
        "exclude": [random.choice([1, 10**30, word(random)])],
        "reset": word(random),
    }
    return {name: fields[name] for name in random.sample(sorted(fields), random.randint(1, 2))}


def sent(answer: Any, *statuses: int) -> Any:
    assert answer.status_code in statuses, answer.content
    if answer.status_code >= 400:
        assert answer.json()["code"] not in ("internal_error", "integrity_conflict")
        assert answer.json()["detail"]
    return answer


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_file_is_read_changed_and_recorded_or_refused(desk: Any, name: str) -> None:
    for turn in range(3 * ROUNDS):
        random = Random(f"{name} {turn}")
        content = mutated(random.choice(SAMPLES).read_bytes(), name, random)
        form = {} if random.random() < 0.6 else {"options": json.dumps(options(random))}
        answer = sent(desk.bring(content, **form), 201, 400, 409, 413)
        if answer.status_code != 201:
            continue
        batch = answer.json()
        desk.rows(batch)
        keys = [row["key"] for row in batch["securities"]]
        change = json.dumps(body(random, keys))  # JSON can say what no text can
        where = f"/api/v1/imports/{batch['id']}"
        sent(
            desk.client.generic("PATCH", where, change, content_type="application/json"),
            200,
            400,
            409,
        )
        desk.rows(batch)
        sent(desk.commit(batch), 200, 202, 400, 409)
        sent(desk.remove(batch), 200, 202, 204, 409)
