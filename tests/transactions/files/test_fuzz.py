"""Read every sample after every kind of damage: the result is rows or a coded refusal.

Every run damages the files in the same way. FUZZ_ROUNDS=50 tries fifty times as many.
"""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from core.errors import InvalidInput
from tests.effort import size
from tests.transactions.files.mutations import MUTATIONS, mutated
from transactions.files.drafts import encoded
from transactions.files.formats.detection import FORMATS, REALIZED, detect
from transactions.files.reading.interface import (
    FILE_CODES,
    ROW_CODES,
    SKIP_CODES,
    WARNING_CODES,
    Options,
    ParsedRow,
    RealizedRow,
)

ROUNDS = size("FUZZ_ROUNDS", usual=1, proof=1)
FILES = Path(__file__).parent / "samples"
SAMPLES = sorted(path for path in FILES.iterdir() if path.suffix != ".expected")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPTIONS = [
    Options(now=NOW),
    Options(now=NOW, currency="EUR", decimal=",", date_order="dmy"),
    Options(now=NOW, encoding="cp1252", delimiter=";"),
]


def check(row: ParsedRow | RealizedRow) -> None:
    """Check that a row has only known codes, and only text that the database can store."""
    assert {problem.code for problem in row.problems} <= ROW_CODES.keys()
    assert row.skipped is None or row.skipped.code in SKIP_CODES
    stored = json.dumps(dict(row.raw), ensure_ascii=False)
    stored += "".join(problem.detail + problem.column for problem in row.problems)
    if isinstance(row, ParsedRow):
        assert {warning.code for warning in row.warnings} <= WARNING_CODES.keys()
        if row.entry is not None:
            stored += encoded(row.entry)
    assert "\0" not in stored
    assert "\\u0000" not in stored.replace("\\\\", "")
    stored.encode()


def outcome(content: bytes, seed: int) -> str:
    """Return the code with which a file is refused, or the number of its rows."""
    random = Random(seed)
    try:
        found = detect(content) or random.choice([*FORMATS, *REALIZED])
        declared = REALIZED.get(found) or FORMATS[found]
        count = 0
        for row in declared.read(io.BytesIO(content), random.choice(OPTIONS)):
            check(row)
            count += 1
    except InvalidInput as refusal:
        code, detail = refusal.code, refusal.detail
    else:
        return f"{count} rows"
    assert code in FILE_CODES
    detail.encode()
    return code


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_file_gives_rows_or_a_refusal(name: str) -> None:
    outcomes = set()
    for number, path in enumerate(SAMPLES):
        content = path.read_bytes()
        for turn in range(ROUNDS):
            seed = 1_000 * number + turn
            outcomes.add(outcome(mutated(content, name, Random(f"{name} {seed}")), seed))
    assert len(outcomes) > 1 or name == "archived", (
        "different samples should not all end in the same way"
    )
