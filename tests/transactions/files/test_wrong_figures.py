"""Never a wrong figure: a changed sample gives what the sample gives, or says what it refuses.

    right     the same transactions
    refused   fewer, and every one that is missing is a row with a code, or the file is refused
    wrong     a transaction that the sample does not have, or one that is missing without a word

The same changes in every run. FUZZ_ROUNDS=50 tries fifty times as many.
"""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from core.errors import InvalidInput
from core.money import quantize
from tests.effort import size
from tests.transactions.files.changes import CHANGES, NUMBER, Table
from transactions.files.formats.detection import FORMATS, detect, parse
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.tables import HEADING_ROWS, Record, heading_of
from transactions.ledger.kinds import KINDS

ROUNDS = 3 * size("FUZZ_ROUNDS", usual=1, proof=1)
FILES = Path(__file__).parent / "samples"
ZERO = Decimal(0)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLES = sorted(path.name for path in FILES.glob("*.csv") if detect(path.read_bytes()) in FORMATS)
# Several tables in one file, each under a heading of its own.
TABLES = [name for name in TABLES if not name.startswith("ibkr")]
COUNTS: dict[str, Counter[str]] = {}


def table(name: str) -> tuple[str, Table]:
    text = (FILES / name).read_text()
    format_name = detect(text.encode()) or ""
    for delimiter in ",;\t":
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
        for place, cells in enumerate(rows[:HEADING_ROWS]):
            for layout in FORMATS[format_name].layouts:
                found = heading_of(Record(1, cells), layout, Options(now=NOW), "")
                if not found:
                    continue
                days = {at for field, at in found.fields.items() if "date" in field}
                figures = {
                    column
                    for column in range(len(cells))
                    if column not in days and is_figures(rows[place + 1 :], column)
                }
                joined = "".join(cell for row in rows[place + 1 :] for cell in row)
                point = layout.decimal or ("," if delimiter == ";" or '"1.' in joined else ".")
                return format_name, Table(
                    delimiter, rows, place, frozenset(figures), frozenset(days), point
                )
    raise AssertionError(f"{name} has no heading")


def is_figures(rows: list[list[str]], column: int) -> bool:
    """Whether a column has figures: its cells are numbers, and one has a sign of decimals."""
    cells = [row[column].strip() for row in rows if column < len(row) and row[column].strip()]
    numbers = [cell for cell in cells if NUMBER.fullmatch(cell)]
    return 10 * len(numbers) >= 7 * len(cells) and any(sign in "".join(numbers) for sign in ".,")


def told(rows: list[ParsedRow]) -> "Counter[str]":
    """What each line moves: its day, the units, and the cash after costs and taxes."""
    lines: dict[int, list[str]] = {}
    moves: dict[tuple[int, str], list[Decimal]] = {}
    for row in rows:
        entry = row.entry
        if not row.importable or entry is None:
            continue
        amount = entry.amount
        if amount is None and entry.price is not None and entry.quantity is not None:
            amount = quantize(entry.price * entry.quantity, entry.currency)
        cash, units = amount or ZERO, entry.quantity or ZERO
        way = {"in": (1, -1), "out": (-1, -1), "fee": (0, -1)}.get(KINDS[entry.type].cash, (0, 0))
        moved = moves.setdefault((row.line, entry.currency), [ZERO, ZERO])
        moved[0] += cash * way[0] + entry.fee * way[1]
        moved[1] += -units if entry.type in ("sell", "transfer_out") else units
        told = f"{entry.executed_at.date()} {entry.ratio} {entry.added_quantity}"
        lines.setdefault(row.line, []).append(told)
    for (line, currency), (cash, units) in moves.items():
        lines[line] = [f"{lines[line][0]} units {units:f} cash {cash:.2f} {currency}"]
    return Counter(told for line in lines.values() for told in line)


def refusals(rows: list[ParsedRow]) -> int:
    return len({row.line for row in rows if row.problems and row.skipped is None})


def rows_of(content: bytes, format_name: str) -> list[ParsedRow]:
    return list(parse(io.BytesIO(content), Options(now=NOW), format=format_name).rows)


def outcome(
    content: bytes, format_name: str, original: list[ParsedRow], whole: list[ParsedRow]
) -> str:
    """right, refused or wrong, with what is wrong.

    `original` are the rows of the sample, `whole` those of the part that a cut left whole.
    """
    truth, refused = told(whole), refusals(whole)
    try:
        detected = detect(content)
        rows = rows_of(content, format_name)
    except InvalidInput:
        return "refused"
    if detected not in (format_name, None):
        return f"wrong: read as {detected}"
    found = told(rows)
    if strange := found - (truth | told(original)):
        return f"wrong: {sorted(strange.items())[:3]}"
    if found == truth:
        return "right"
    silent = sum((truth - found).values()) - max(0, refusals(rows) - refused)
    return "refused" if silent <= 0 else "wrong: rows are missing without a word"


def whole_lines(content: bytes) -> bytes:
    """The beginning of a file up to the end of its last whole line."""
    return content[: content.rfind(b"\n") + 1]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", TABLES)
def test_a_changed_table_gives_no_wrong_figure(name: str, change: str) -> None:
    format_name, sample = table(name)
    content = (FILES / name).read_bytes()
    original = rows_of(content, format_name)
    wrong = []
    for turn in range(ROUNDS):
        changed = CHANGES[change](sample, Random(f"{name} {turn}"))
        if changed is None:
            continue
        whole = whole_lines(changed) if change == "cut_anywhere" else content
        found = outcome(changed, format_name, original, rows_of(whole, format_name))
        COUNTS.setdefault(format_name, Counter())[found.partition(":")[0]] += 1
        if found.startswith("wrong"):
            wrong.append((turn, found))
    assert not wrong, wrong[:3]


def test_most_changes_leave_a_file_readable() -> None:
    """A reader that refuses everything would never be wrong."""
    counts = sum(COUNTS.values(), Counter())
    by_format = {name: dict(counted) for name, counted in sorted(COUNTS.items())}
    assert not counts["wrong"], by_format
    assert not COUNTS or counts["right"] > counts["refused"], by_format
