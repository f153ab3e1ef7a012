"""Samples changed as brokers and people change them: the same is read, or less, nothing else.

Columns move and change their case, rows change their order, a download ends early, a broker takes a
trade back. The same changes in every run. FUZZ_ROUNDS=50 tries fifty times as many.
"""

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from core.errors import InvalidInput
from tests.effort import size
from transactions.files.formats.detection import FORMATS, detect, parse
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.tables import HEADING_ROWS, Record, heading_of

ROUNDS = 3 * size("FUZZ_ROUNDS", usual=1, proof=1)
FILES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLES = sorted(path.name for path in FILES.glob("*.csv") if detect(path.read_bytes()) in FORMATS)
# Several tables in one file, each under a heading of its own.
ONE_TABLE = [name for name in TABLES if not name.startswith("ibkr")]


def rows(content: bytes, **options: str) -> list[ParsedRow]:
    return list(parse(io.BytesIO(content), Options(now=NOW, **options)).rows)  # type: ignore[arg-type]


def recorded(content: bytes) -> "Counter[str]":
    """What would be recorded, without the names that are made of a row's figures."""
    found: Counter[str] = Counter()
    for row in rows(content):
        if row.importable and row.entry is not None:
            named = row.entry.external_id.startswith("row:")
            found[repr(replaced(row, "" if named else row.entry.external_id))] += 1
    return found


def replaced(row: ParsedRow, external_id: str) -> object:
    assert row.entry is not None
    return replace(row.entry, external_id=external_id)


def table(name: str) -> tuple[str, list[list[str]], int]:
    """The sample's delimiter, its records, and the place of its heading."""
    text = (FILES / name).read_text()
    layouts = FORMATS[detect(text.encode()) or ""].layouts
    for delimiter in ",;\t":
        records = list(csv.reader(io.StringIO(text), delimiter=delimiter))
        for place, cells in enumerate(records[:HEADING_ROWS]):
            for layout in layouts:
                if heading_of(Record(1, cells), layout, Options(now=NOW), ""):
                    return delimiter, records, place
    raise AssertionError(f"{name} has no heading")


def written(delimiter: str, records: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(records)
    return text.getvalue().encode()


@pytest.mark.parametrize("name", ONE_TABLE)
def test_columns_may_stand_in_any_order(name: str) -> None:
    """A column without a name belongs to the one before it and moves with it."""
    delimiter, records, place = table(name)
    heading = records[place]
    for turn in range(ROUNDS):
        groups: list[list[int]] = []
        for column, title in enumerate(heading):
            # A repeated heading (the currency of the column before it) names nothing by itself.
            if (title.strip() and heading.count(title) == 1) or not groups:
                groups.append([column])
            else:
                groups[-1].append(column)
        # Headings that repeat are told apart by their order alone.
        repeating = [
            group for group in groups if any(heading.count(heading[one]) > 1 for one in group)
        ]
        Random(f"{name} {turn}").shuffle(groups)
        kept = iter(repeating)
        groups = [next(kept) if group in repeating else group for group in groups]
        order = [column for group in groups for column in group]
        moved = [
            [cells[column] for column in order] if len(cells) == len(heading) else cells
            for cells in records
        ]
        assert recorded(written(delimiter, moved)) == recorded((FILES / name).read_bytes())


@pytest.mark.parametrize("name", ONE_TABLE)
@pytest.mark.parametrize("form", [str.upper, str.lower, str.title, str.swapcase])
def test_headings_may_have_any_case(name: str, form: object) -> None:
    assert callable(form)
    delimiter, records, place = table(name)
    changed = [
        [form(cell) for cell in cells] if number == place else cells
        for number, cells in enumerate(records)
    ]
    assert recorded(written(delimiter, changed)) == recorded((FILES / name).read_bytes())


@pytest.mark.parametrize("name", ONE_TABLE)
def test_rows_may_stand_in_any_order(name: str) -> None:
    delimiter, records, place = table(name)
    head, body = records[: place + 1], records[place + 1 :]
    parts: list[list[list[str]]] = []
    for cells in body:
        # An order id may continue in the next line, and the costs are the first fill's.
        last = parts[-1][-1] if parts else [""]
        continued = len(cells) > 1 and sum(1 for cell in cells if cell.strip()) == 1
        # The awards of an event stand below it, with nothing in the first columns.
        continued = continued or (name.startswith("schwab_awards") and not cells[0])
        if parts and (continued or "".join(cells[-1:])[:8] == last[-1][:8] != ""):
            parts[-1].append(cells)
        else:
            parts.append([cells or [""]])
    for turn in range(ROUNDS):
        Random(f"{name} {turn}").shuffle(parts)
        shuffled = [*head, *(cells for part in parts for cells in part)]
        assert recorded(written(delimiter, shuffled)) == recorded((FILES / name).read_bytes())


@pytest.mark.parametrize("name", ONE_TABLE)
def test_columns_that_nobody_knows_change_nothing(name: str) -> None:
    delimiter, records, place = table(name)
    wide = [
        [*cells, f"Column nobody knows {number}" if cells == records[place] else "1"]
        if len(cells) == len(records[place])
        else cells
        for number, cells in enumerate(records)
    ]
    assert recorded(written(delimiter, wide)) == recorded((FILES / name).read_bytes())


@pytest.mark.parametrize("name", TABLES)
def test_a_file_that_ends_early_gives_no_other_figure(name: str) -> None:
    """The download broke off within a row: the rows before it, and not that one."""
    content = (FILES / name).read_bytes()
    whole = recorded(content)
    lines = content.splitlines(keepends=True)
    for turn in range(3 * ROUNDS):
        random = Random(f"{name} {turn}")
        number = random.randrange(len(lines) // 2, len(lines))
        cells = lines[number].rstrip(b"\r\n").split(b",")
        if len(cells) < 4 or b'"' in lines[number]:
            continue
        cut = b",".join(cells[: random.randrange(1, len(cells) - 1)])
        try:
            found = recorded(b"".join(lines[:number]) + cut[: random.randrange(1, len(cut) + 1)])
        except InvalidInput:
            continue  # a letter or a number that ends early may refuse the whole file
        assert found <= whole, (number, found - whole)


CANCELED = {
    "schwab.csv": '"{d}","{c}Buy","CXL","X","30","$41.00","","{s}$1230.00"',
    "fidelity.csv": '{d},"Individual - TOD",{c}YOU BOUGHT CXL,CXL,X,Cash,0,,{n}30,USD,41,0,,,,'
    "{s}1230,",
}


@pytest.mark.parametrize("name", CANCELED)
@pytest.mark.parametrize("paired", [True, False])
def test_a_trade_and_its_cancellation_leave_what_was_there(name: str, paired: bool) -> None:
    content = (FILES / name).read_text()
    lines = content.splitlines()
    start = next(i for i, line in enumerate(lines) if line.count(",") > 6) + 1
    trade, cancel = ("", "-", ""), ("Cancel ", "", "-")
    if name.startswith("fidelity"):
        cancel = ("CANCELLED ", "", "-")
    texts = [
        CANCELED[name].format(d="03/12/2024", c=word, s=sign, n=units)
        for word, sign, units in (trade, cancel)
    ]
    if not paired:  # the amount of the cancellation is another
        texts[1] = texts[1].replace("1230", "1229")
    for turn in range(ROUNDS):
        random = Random(f"{name} {turn}")
        changed = list(lines)
        for text in random.sample(texts, 2):
            end = start + random.randrange(6)
            changed.insert(end, text)
        assert recorded("\n".join(changed).encode()) == recorded(content.encode())


_TRADE = (
    '<Trade accountId="U77" currency="USD" assetCategory="STK" symbol="CXL" tradeID="{id}" '
    'dateTime="20240105;103001" buySell="{side}" quantity="{sign}30" tradePrice="10" '
    'tradeMoney="{sign}{money}" ibCommission="{fee}" ibCommissionCurrency="USD" '
    'levelOfDetail="EXECUTION" origTradeID="{of}"/>'
)


@pytest.mark.parametrize(
    ("of", "money", "fee"),
    [("8001", "300", "1"), ("", "300", "1"), ("", "299", "1"), ("9", "300", "0")],
)
def test_what_interactive_brokers_cancels_leaves_what_was_there(
    of: str, money: str, fee: str
) -> None:
    """By a pointer, by equal figures; or both are refused: other figures, a pointer to nothing."""
    content = (FILES / "ibkr_flex.xml").read_text()
    trade = _TRADE.format(id=8001, side="BUY", sign="", money=300, fee="-1", of="")
    cancel = _TRADE.format(id=8002, side="BUY (Ca.)", sign="-", money=money, fee=fee, of=of)
    for pair in ([trade, cancel], [cancel, trade]):
        changed = content.replace("<Trades>\n", "<Trades>\n" + "\n".join(pair) + "\n")
        assert recorded(changed.encode()) == recorded(content.encode())


_PAID = (
    "<INCOME><INVTRAN><FITID>{id}<DTTRADE>20240220{pointer}</INVTRAN><SECID><UNIQUEID>12345"
    "<UNIQUEIDTYPE>CUSIP</SECID><INCOMETYPE>DIV<TOTAL>{total}<SUBACCTSEC>CASH"
    "<SUBACCTFUND>CASH</INCOME>\n"
)


@pytest.mark.parametrize(
    ("pointer", "total"),
    [("<REVERSALFITID>C1", "-5"), ("", "-5"), ("", "-4"), ("<REVERSALFITID>C9", "-5")],
)
def test_what_a_bank_takes_back_leaves_what_was_there(pointer: str, total: str) -> None:
    content = (FILES / "ofx_1.ofx").read_text()
    paid = _PAID.format(id="C1", pointer="", total="5")
    back = _PAID.format(id="C2", pointer=pointer, total=total)
    for pair in (paid + back, back + paid):
        changed = content.replace("<SPLIT>", pair + "<SPLIT>", 1)
        assert changed != content
        assert recorded(changed.encode()) == recorded(content.encode())


def test_names_are_made_of_figures_and_counted() -> None:
    """Two equal rows have two names, whatever stands between them."""
    [first, *_] = rows((FILES / "schwab.csv").read_bytes())
    assert first.entry is not None
    bare = replaced(first, "")
    names = Fingerprints()
    made = [names.name(ParsedRow(1, bare)) for _ in range(2)]  # type: ignore[arg-type]
    assert len({row.external_id for row in made}) == 2
