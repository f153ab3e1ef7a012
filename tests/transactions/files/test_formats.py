"""Files as brokers and other programs write them, and what is read from each, row by row.

Beside every sample stands what comes of it: `line  outcome`. Read it as an accountant would.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pytest

from core.money import plain
from transactions.files.formats import detection
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.detection import FORMATS, REALIZED, detect, parse
from transactions.files.reading.corrections import corrected
from transactions.files.reading.held import HeldRows
from transactions.files.reading.interface import Draft, Options, ParsedRow, RealizedRow

FILES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# A sample's name begins with that of its format: the longest one that does.
SAMPLES = {
    path.name: max(
        (name for name in (*FORMATS, *REALIZED) if path.name.startswith(name)), key=len, default=""
    )
    for path in sorted(FILES.iterdir())
    if path.suffix != ".expected"
}


def quoted(entry: Draft) -> str:
    """The market's side of a trade that was settled in another currency."""
    quote = entry.quote
    if quote is None or quote.currency == entry.currency:
        return ""
    parts = [quote.currency, *(plain(one) for one in (quote.price, quote.amount) if one)]
    return " ".join(parts)


def told(row: ParsedRow | RealizedRow) -> str:
    """One row as text: what it is, or why it is not imported."""
    if row.skipped:
        return f"{row.line:>3}  skipped {row.skipped.code}"
    refused = " ".join(
        problem.code + (f"[{problem.column}]" if problem.column else "") for problem in row.problems
    )
    if refused:
        return f"{row.line:>3}  refused {refused}"
    if isinstance(row, RealizedRow):
        lot = row.lot
        assert lot is not None
        opened = lot.opened_date or "various"
        text = f"{lot.account}: {lot.symbol} {plain(lot.quantity)} {opened}..{lot.closed_date}"
        text += f" proceeds {lot.proceeds} cost {lot.cost_basis} disallowed {lot.disallowed}"
        return f"{row.line:>3}  {text} {lot.term}"
    entry = row.entry
    assert entry is not None
    day = entry.executed_at.isoformat().replace("T12:00:00+00:00", "").replace("+00:00", "Z")
    parts = [entry.type, day]
    if entry.account:
        parts.append(f"in {entry.account}")
    if entry.security:
        parts.append(entry.security.key)
    for mark, value in (
        ("", entry.quantity),
        ("at ", entry.price),
        ("for ", entry.amount),
        ("fee ", entry.fee or None),
        ("added ", entry.added_quantity),
        ("rate ", entry.fx_rate),
        ("file's rate ", entry.file_rate.rate if entry.file_rate else None),
    ):
        if value is not None:
            parts.append(mark + plain(value))
    parts.append(entry.currency)
    for mark, text in (
        ("kept in ", entry.file_rate.to if entry.file_rate else ""),
        ("quoted ", quoted(entry)),
        ("ratio ", entry.ratio),
        ("opened ", str(entry.opened_date or "")),
        ("to ", entry.to_account),
        ("order ", entry.order_id),
        ("id ", "" if entry.external_id.startswith("row:") else entry.external_id),
        ("warned ", " ".join(warning.code for warning in row.warnings)),
    ):
        if text:
            parts.append(mark + text)
    return f"{row.line:>3}  " + " | ".join(parts)


def read(name: str) -> str:
    data, format_name = io.BytesIO((FILES / name).read_bytes()), SAMPLES[name]
    rows: list[ParsedRow] | list[RealizedRow]
    if format_name in REALIZED:
        rows = list(REALIZED[format_name].read(data, Options(now=NOW)))
    else:
        rows = list(parse(data, Options(now=NOW)).rows)
    return "\n".join(told(row) for row in rows) + "\n"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gives_what_stands_beside_it(name: str) -> None:
    assert read(name) == (FILES / f"{name}.expected").read_text()


@pytest.mark.parametrize(("name", "expected"), SAMPLES.items())
def test_the_format_is_found_from_the_head_alone(name: str, expected: str) -> None:
    content = (FILES / name).read_bytes()
    assert detect(content) == expected
    assert detect(content[: detection.HEAD_BYTES]) == expected


def test_every_format_has_a_sample() -> None:
    assert {*SAMPLES.values(), "ballast", "table"} == {*FORMATS, *REALIZED}


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith(".csv")])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_an_encoding_changes_nothing(name: str, encoding: str) -> None:
    text = (FILES / name).read_text()
    if encoding == "cp1252" and text != text.encode(encoding, errors="replace").decode(encoding):
        return  # it has no letter for each of this language
    content = text.replace("\n", "\r\n").encode(encoding)
    found = detect(content)
    assert found == SAMPLES[name]
    if found in REALIZED:
        return
    rows = list(parse(io.BytesIO(content), Options(now=NOW)).rows)
    assert "\n".join(told(row) for row in rows) + "\n" == (FILES / f"{name}.expected").read_text()


@pytest.mark.parametrize("name", SAMPLES)
def test_reading_again_names_every_row_the_same_and_no_two_alike(name: str) -> None:
    if SAMPLES[name] in REALIZED:
        return
    first, second = (
        [row.external_id for row in parse(io.BytesIO(content), Options(now=NOW)).rows if row.entry]
        for content in [(FILES / name).read_bytes()] * 2
    )
    assert first == second
    assert len(set(first)) == len(first)
    assert all(first)


@pytest.mark.parametrize("declared", detection._DECLARED, ids=lambda declared: declared.name)
def test_a_file_is_read_once_and_its_held_rows_are_those_that_were_read(declared: object) -> None:
    if not isinstance(declared, ReadFormat):
        return
    options = Options(now=NOW, zone=ZoneInfo("America/New_York"))
    reads: list[list[ParsedRow]] = []

    def counted(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
        reads.append([*declared.read(data, options)] * 40)
        yield from reads[-1]

    for name in (name for name, its in SAMPLES.items() if its == declared.name):
        data = io.BytesIO((FILES / name).read_bytes())
        reads.clear()
        rows = list(corrected(counted)(data, options))
        assert len(reads) == 1
        assert len(rows) == len(reads[0])
        held = HeldRows()
        for row in reads[0]:
            held.add(row)
        assert repr([*held, *held]) == repr(reads[0] * 2)


def test_a_held_row_keeps_the_offset_in_which_its_date_is_the_trade_date() -> None:
    at = datetime(2024, 1, 5, 19, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-17)))
    row = ParsedRow(2, Draft(type="buy", executed_at=at, currency="USD"), raw={"a": "\ud7ff\0x"})
    held = HeldRows()
    held.add(row)
    assert repr([*held]) == repr([row])
