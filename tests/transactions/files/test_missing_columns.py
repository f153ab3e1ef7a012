"""Without one of its columns a file gives the same figures, or says what it refuses.

Every column of every sample is left out, with its heading and its cells; of documents, every
attribute, key or element of one name. Allowed are

    same      every transaction has the same figures, because the column only describes
    refused   fewer transactions, and every missing one is a row with a code
    unknown   the file is not recognized, or is refused with a code

A row of units from elsewhere may also warn that it states no cost or no day of purchase.
Never another type, day, currency, security, quantity, amount, fee, tax or ratio, and never a row
that is missing without a word.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.money import quantize
from transactions.files.formats.detection import FORMATS, detect, parse
from transactions.files.reading.interface import FILE_CODES, Options, ParsedRow
from transactions.files.reading.tables import HEADING_ROWS, Record, heading_of

FILES = Path(__file__).parent / "samples"
OPTIONS = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
SAMPLES = {
    path.name: found
    for path in sorted(FILES.iterdir())
    if path.suffix != ".expected" and (found := detect(path.read_bytes())) in FORMATS
}
ASSUMED = {"basis_unknown", "opened_date_assumed"}
ALLOWED = {"same", "refused", "unknown"}
Told = dict[int, Counter[str]]


def told(rows: list[ParsedRow]) -> Told:
    """The figures that each line would record."""
    lines: Told = {}
    for row in rows:
        entry = row.entry
        if not row.importable or entry is None:
            continue
        amount = entry.amount
        if amount is None and entry.price is not None and entry.quantity is not None:
            amount = quantize(entry.price * entry.quantity, entry.currency)
        moved = (entry.quantity, amount, entry.fee, entry.ratio, entry.added_quantity)
        others = (entry.basis_percentage, entry.opened_date, bool(entry.security))
        text = f"{entry.type} {entry.executed_at.date()} {entry.currency} {moved} {others}"
        lines.setdefault(row.line, Counter())[text] += 1
    return lines


def rows_of(content: bytes, format_name: str) -> list[ParsedRow]:
    return list(parse(io.BytesIO(content), OPTIONS, format=format_name).rows)


def outcome(content: bytes, format_name: str, original: Told) -> str:
    """same, refused or unknown; else what is wrong."""
    try:
        rows = rows_of(content, format_name)
    except InvalidInput as error:
        return "unknown" if error.code in FILE_CODES else error.code
    found = told(rows)
    if found == original:
        return "same"
    for row in rows:
        arrived = row.entry is not None and row.entry.type == "transfer_in"
        if arrived and any(warning.code in ASSUMED for warning in row.warnings):
            found[row.line] = original.get(row.line, Counter())
    every, now = sum(original.values(), Counter()), sum(found.values(), Counter())
    if strange := now - every:
        return f"wrong: {sorted(strange)[:2]}"
    refused = {row.line for row in rows if row.problems and row.skipped is None}
    silent = [line for line, told in original.items() if found.get(line) != told]
    silent = [line for line in silent if line not in refused]
    return f"silent: lines {silent[:5]}" if silent and now != every else "refused"


def outcomes(content: bytes, format_name: str, original: Told) -> set[str]:
    """What becomes of a file as it is recognized, and as the person names its format."""
    found = detect(content)
    names = {format_name} | {name for name in FORMATS if name == found}
    return {outcome(content, name, original) for name in sorted(names)}


# The columns of a file: its name, and the file without it.


def tables(text: str, format_name: str) -> Iterator[tuple[str, bytes]]:
    """Each column of each table in a file; a table ends where the next one has its heading."""
    layouts = FORMATS[format_name].layouts
    for delimiter in ",;\t":
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
        headings = [
            place
            for place, cells in enumerate(rows)
            if (place < HEADING_ROWS or format_name == "ibkr_flex")
            and any(heading_of(Record(1, cells), layout, OPTIONS, "") for layout in layouts)
        ]
        if not headings:
            continue
        for start, end in zip(headings, [*headings[1:], len(rows)], strict=True):
            for column, title in enumerate(rows[start]):
                changed = [
                    cells[:column] + cells[column + 1 :]
                    if start <= place < end and len(cells) > 1
                    else cells
                    for place, cells in enumerate(rows)
                ]
                yield f"{title} {column}", written(changed, delimiter)
        return
    raise AssertionError("no heading")


def written(rows: list[list[str]], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def sections(text: str) -> Iterator[tuple[str, bytes]]:
    """Each column of each section of an activity statement, whose rows name their section."""
    rows = list(csv.reader(io.StringIO(text)))
    for heading in [cells for cells in rows if cells[1:2] == ["Header"]]:
        for column, title in enumerate(heading[2:], start=2):
            changed = [
                cells[:column] + cells[column + 1 :] if cells[0] == heading[0] else cells
                for cells in rows
            ]
            yield f"{heading[0]} {title}", written(changed, ",")


def attributes(text: str) -> Iterator[tuple[str, bytes]]:
    for name in sorted(set(re.findall(r' (\w+)="', text))):
        yield name, re.sub(rf' {name}="[^"]*"', "", text).encode()


def elements(text: str) -> Iterator[tuple[str, bytes]]:
    """Each element without children, in SGML or XML."""
    leaf = r"<({name})>([^<\n]+)(?:</\1>)?"
    for name in sorted({found[0] for found in re.findall(leaf.format(name=r"[\w.]+"), text)}):
        yield name, re.sub(leaf.format(name=re.escape(name)), "", text).encode()


def keys(text: str) -> Iterator[tuple[str, bytes]]:
    """Each key with a plain value; the lines stay where they are."""
    plain = r'"({name})": (?:"[^"]*"|[-\d.]+|null)(?:, )?'
    for name in sorted(set(re.findall(plain.format(name=r"\w+"), text))):
        changed = re.sub(plain.format(name=name), "", text).replace(", }", "}")
        assert json.loads(changed) != json.loads(text)
        yield name, changed.encode()


def parts(name: str, text: str) -> Iterator[tuple[str, bytes]]:
    if SAMPLES[name] == "ibkr_statement":
        return sections(text)
    if name.endswith(".csv"):
        return tables(text, str(SAMPLES[name]))
    if name.endswith(".json"):
        return keys(text)
    return attributes(text) if name == "ibkr_flex.xml" else elements(text)


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith(".beancount")])
def test_a_missing_column_never_gives_a_wrong_figure(name: str) -> None:
    content = (FILES / name).read_bytes()
    format_name = str(SAMPLES[name])
    original = told(rows_of(content, format_name))
    assert original
    found = {
        part: outcomes(changed, format_name, original)
        for part, changed in parts(name, content.decode("utf-8-sig"))
    }
    assert len(found) > 3
    wrong = {part: told - ALLOWED for part, told in found.items() if told - ALLOWED}
    assert not wrong
    assert not all({"same"} == told for told in found.values()), "no column matters"
