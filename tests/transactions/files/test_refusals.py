"""Files that are refused as a whole: each has its code, and no other exception is raised."""

import bz2
import gzip
import io
import json
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import limits
from core.errors import BallastError, InvalidInput
from tests.effort import examples
from transactions.files.formats.detection import FORMATS, REALIZED, detect, parse
from transactions.files.reading import tables
from transactions.files.reading.interface import (
    FILE_CODES,
    ROW_CODES,
    SKIP_CODES,
    WARNING_CODES,
    Options,
    ParsedRow,
)

FILES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPTIONS = Options(now=NOW)
HEAD = "date,type,symbol,quantity,price,currency\n"
ROW = "2024-01-05,buy,AAPL,1,100.5,USD\n"


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"0" * 10_000_000)
    return data.getvalue()


def code_of(
    content: bytes, *, format_name: str | None = "ballast", options: Options = OPTIONS
) -> str:
    with pytest.raises(InvalidInput) as caught:
        list(parse(io.BytesIO(content), options, format=format_name).rows)
    assert caught.value.fields
    return caught.value.code


@pytest.mark.parametrize(
    "pack",
    [zipped, lambda: gzip.compress(b"0"), lambda: bz2.compress(b"0"), lambda: lzma.compress(b"0")],
)
@pytest.mark.parametrize("format_name", [None, *FORMATS])
def test_an_archive_is_never_unpacked(pack: Callable[[], bytes], format_name: str | None) -> None:
    assert code_of(pack(), format_name=format_name) == "archive_not_accepted"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n \n\n", "file_empty"),
        (b"\x00\x01\x02" * 50, "encoding_unknown"),
        ((HEAD + ROW).encode("utf-16-le"), "encoding_unknown"),
        ((HEAD + ROW).encode("utf-32"), "encoding_unknown"),
        ((HEAD + "2024-01-05,buy,Zo\xeb,1,1,USD\n").encode("cp437"), "encoding_unknown"),
        (HEAD.encode() + b"\x81\x8d\n", "encoding_unknown"),
        (b"a,b,c\n1,2,3\n", "columns_missing"),
        ((HEAD + "x" * (limits.IMPORT_ROW_CHARS_MAX + 1)).encode(), "row_too_long"),
        ((HEAD + '"' + "x\n" * limits.IMPORT_ROW_CHARS_MAX).encode(), "row_too_long"),
        ((HEAD + "," * limits.IMPORT_COLUMNS_MAX).encode(), "columns_too_many"),
        ((HEAD + ROW.replace("2024-01-05", "03/04/2024")).encode(), "date_order_ambiguous"),
        (
            (
                HEAD + "".join(ROW.replace("2024-01-05", d) for d in ("13/4/2024", "4/13/2024"))
            ).encode(),
            "date_order_mixed",
        ),
        ((HEAD + ROW.replace("100.5", '"1,234"')).encode(), "number_style_ambiguous"),
        ((HEAD + ROW + ROW.replace("100.5", '"100,5"')).encode(), "number_style_mixed"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_table_says_why(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_an_unknown_file_is_not_guessed_at() -> None:
    assert detect(b"a,b,c\n1,2,3\n") is None
    assert code_of(b"a,b,c\n1,2,3\n", format_name=None) == "format_unknown"
    assert code_of(b"a,b,c\n1,2,3\n", format_name="quicken") == "format_unknown"


@pytest.mark.parametrize(
    "options",
    [
        Options(now=NOW, encoding="ebcdic"),
        Options(now=NOW, delimiter="#"),
        Options(now=NOW, columns={"colour": "Colour"}),
    ],
)
def test_an_option_that_does_not_exist_is_refused(options: Options) -> None:
    assert code_of((HEAD + ROW).encode(), options=options) == "options_invalid"


def test_too_many_rows_are_refused_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "IMPORT_ROWS_MAX", 3)
    rows = parse(io.BytesIO((HEAD + ROW * 3).encode()), OPTIONS, format="ballast").rows
    assert [row.line for row in rows] == [2, 3, 4]
    rows = parse(io.BytesIO((HEAD + ROW * 4).encode()), OPTIONS, format="ballast").rows
    with pytest.raises(InvalidInput) as caught:
        next(rows)
    assert caught.value.code == "rows_too_many"


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>"""


@pytest.mark.parametrize(
    ("content", "format_name", "code"),
    [
        (BOMB + "<OFX><A>&lol2;</A></OFX>", "ofx", "entities_refused"),
        (BOMB + "<FlexQueryResponse a='&lol2;'/>", "ibkr_flex", "entities_refused"),
        ("<FlexQueryResponse><Trades>", "ibkr_flex", "document_invalid"),
        ("OFXHEADER:100\n<OFX><STMTTRN><FITID>1", "ofx", "document_invalid"),
        ("OFXHEADER:100\n" + "<A>" * 100, "ofx", "document_invalid"),
        ("OFXHEADER:100\nno tags", "ofx", "document_invalid"),
        ("{", "ghostfolio_json", "document_invalid"),
        ("[]", "ghostfolio_json", "document_invalid"),
        ('{"activities": [{]}', "ghostfolio_json", "document_invalid"),
        ('{"activities": [{"a": NaN}]}', "ghostfolio_json", "document_invalid"),
        ('{"activities": ' + "[" * 100_000, "ghostfolio_json", "document_invalid"),
        ('{"activity": []}', "ghostfolio_json", "document_invalid"),
        ('{"activities": [] "x": 1}', "ghostfolio_json", "document_invalid"),
        ("a,b\n1,2\n", "ibkr_flex", "columns_missing"),
    ],
)
def test_a_document_that_is_not_well_formed_says_why(
    content: str, format_name: str, code: str
) -> None:
    assert code_of(content.encode(), format_name=format_name) == code


@pytest.mark.parametrize("name", ["zlib_codec", "idna", "undefined", "utf-7", "rot13", "hex"])
def test_an_encoding_that_is_no_text_is_refused(name: str) -> None:
    text = f'<?xml version="1.0" encoding="{name}"?>' + FLEX
    assert code_of(text.encode(), format_name="ibkr_flex") == "encoding_unknown"


FLEX = """<FlexQueryResponse><FlexStatements><FlexStatement><CashTransactions>
<CashTransaction accountId="U1" currency="USD" type="Broker Interest Received" amount="5"
 description="für" dateTime="20240105;120000" transactionID="7"/>
</CashTransactions></FlexStatement></FlexStatements></FlexQueryResponse>"""


@pytest.mark.parametrize("name", ["", "utf-8", "UTF-8", "windows-1252", "iso-8859-1"])
def test_a_declared_encoding_is_read(name: str) -> None:
    declared = f'<?xml version="1.0" encoding="{name}"?>' if name else ""
    content = (declared + FLEX).encode(name or "utf-8")
    [row] = parse(io.BytesIO(content), OPTIONS).rows
    assert row.entry is not None
    assert row.entry.note == "für"


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000"])
def test_a_character_that_cannot_be_stored_is_a_problem_of_its_row(text: str) -> None:
    activity = (
        '{"date": "2024-01-05", "symbol": "AAPL", "currency": "USD", "unitPrice": 5, "fee": 0, '
        '"quantity": 1, "type": "BUY", "comment": "%s"}'
    )
    content = f'{{"activities": [{activity % text}, {activity % "well"}]}}'.encode()
    bad, good = parse(io.BytesIO(content), OPTIONS).rows
    assert [(problem.code, problem.column) for problem in bad.problems] == [
        ("text_invalid", "comment")
    ]
    assert good.importable
    json.dumps(dict(bad.raw)).encode("utf-8")


def test_asides_and_pieces_of_an_ofx_file_are_read_as_one_text() -> None:
    """The reader joins comments, CDATA and entities, wherever its chunks end."""
    row = (
        "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20240105<TRNAMT>5<FITID>{0}"
        "<NAME>A &amp; B<!-- <NAME>not this --> and<![CDATA[ <C> ]]>more</STMTTRN>"
    )
    body = "".join(row.format(number) + " " * (number % 97) for number in range(2_000))
    head = "OFXHEADER:100\nDATA:OFXSGML\n\n<?xml?><OFX><CURDEF>USD<BANKTRANLIST>"
    rows = list(parse(io.BytesIO(f"{head}{body}</BANKTRANLIST></OFX>".encode()), OPTIONS).rows)
    assert len(rows) == 2_000
    assert {row.entry.note for row in rows if row.entry} == {"A & B and <C> more"}


@pytest.mark.parametrize(
    ("content", "format_name"),
    [
        ("OFXHEADER:100\n<OFX>" + "<!--" * 200_000, "ofx"),
        ("OFXHEADER:100\n<OFX>" + "<![CDATA[" * 200_000, "ofx"),
        ("OFXHEADER:100\n<OFX><A>" + "<" * 800_000, "ofx"),
        ("OFXHEADER:100\n<OFX><A>" + "<?" * 400_000, "ofx"),
        ("OFXHEADER:100\n<OFX><A>" + "&" * 800_000, "ofx"),
        ("OFXHEADER:100\n<OFX><STMTTRN>" + "".join(f"<A{n}>1" for n in range(999)), "ofx"),
        ("<FlexQueryResponse a='" + "x" * 4_000_000 + "'/>", "ibkr_flex"),
        ("<FlexQueryResponse>" + "<a>" * 400_000, "ibkr_flex"),
        ('{"activities": [], "tags": [' + "1," * 600_000 + "1]}", "ghostfolio_json"),
        ('{"activities": ["' + "x" * 5_000_000 + '"]}', "ghostfolio_json"),
    ],
)
def test_a_document_without_an_end_is_refused_in_linear_time(
    content: str, format_name: str
) -> None:
    assert code_of(content.encode(), format_name=format_name) in (
        "document_invalid",
        "rows_too_many",
    )


def test_a_heading_of_combining_marks_is_no_heading() -> None:
    """Sorting combining marks takes quadratic time: a cell of 60,000 took half a minute."""
    content = ("a" + "\u0327\u0300" * 30_000 + ",b\n1,2\n").encode()
    assert code_of(content) == "columns_missing"
    assert detect(content) is None


def test_json_on_one_line_and_larger_than_any_piece_is_read() -> None:
    activity = {
        "accountId": "a", "comment": "x" * 900, "currency": "USD", "dataSource": "YAHOO",
        "date": "2021-09-15T00:00:00.000Z", "fee": 1, "quantity": 5, "symbol": "MSFT",
        "type": "BUY", "unitPrice": 298.58,
    }  # fmt: skip
    document = {"user": {"deep": [[{}]]}, "activities": [activity] * 300, "tags": []}
    for indent in (None, 2):
        text = json.dumps(document, indent=indent).encode()
        rows = list(parse(io.BytesIO(text), OPTIONS).rows)
        assert [row.entry.type for row in rows if row.entry and row.importable] == ["buy"] * 300


def code_raised(call: Callable[[], object]) -> str:
    """Return the code of the refusal, or "" if there is none. Other exceptions are not caught."""
    try:
        call()
    except BallastError as error:
        return error.code
    return ""


def test_a_head_may_end_within_a_letter() -> None:
    text = '{"note": "' + "é" * 40_000 + '", "activities": []}'
    for start in (text, " " + text):
        assert detect(start.encode()[:65_536]) == "ghostfolio_json"
    wide = ("Date,Code,DataSource,Action,Fee\n" + "x\n" * 40_000).encode("utf-16")
    assert detect(wide) == "ghostfolio_csv"


def drain(content: bytes, format_name: str, options: Options) -> None:
    """Read a file to its end. Only refusals may be raised, and every code must be known."""

    def read() -> None:
        reader: Callable[[BinaryIO, Options], Iterator[object]]
        declared = REALIZED.get(format_name) or FORMATS[format_name]
        reader = declared.read
        for row in reader(io.BytesIO(content), options):
            known(row)

    assert code_raised(read) in {"", *FILE_CODES}


def known(row: object) -> None:
    problems = getattr(row, "problems", ())
    skipped = getattr(row, "skipped", None)
    assert {problem.code for problem in problems} <= ROW_CODES.keys()
    assert skipped is None or skipped.code in SKIP_CODES
    if not isinstance(row, ParsedRow):
        return
    assert {warning.code for warning in row.warnings} <= WARNING_CODES.keys()
    assert row.entry is not None or row.problems or row.skipped
    if row.importable:
        entry = row.entry
        assert entry is not None
        assert entry.executed_at <= NOW
        for value in (entry.quantity, entry.price, entry.amount, entry.fee):
            assert value is None or (value.is_finite() and value >= 0)
        if entry.type in ("buy", "sell", "reinvestment"):
            assert entry.quantity
            assert entry.security
            assert (entry.price is None) != (entry.amount is None)


EVERY = [*FORMATS, *REALIZED]


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(EVERY))
def test_random_bytes_raise_refusals_only(content: bytes, format_name: str) -> None:
    drain(content, format_name, OPTIONS)
    assert code_raised(lambda: detect(content)) in {"", *FILE_CODES}


SAMPLES = sorted(path for path in FILES.iterdir() if path.suffix != ".expected")


@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_a_damaged_file_raises_refusals_only(data: st.DataObject) -> None:
    """Parts are removed, doubled or overwritten. A file that is not recognized gets any format."""
    path = data.draw(st.sampled_from(SAMPLES))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 40)))
        content[start:end] = data.draw(
            st.sampled_from([b"", b'"', b",", b";", b"\n", b"-", b"=1+1", b"9" * 30, b"\xff", b"<"])
            | st.binary(max_size=8)
            | st.just(bytes(content[start:end] * 2))
        )
    damaged = bytes(content)
    refused = code_raised(lambda: detect(damaged))
    assert refused in {"", *FILE_CODES}
    found = None if refused else detect(damaged)
    drain(damaged, found or data.draw(st.sampled_from(EVERY)), OPTIONS)


CELLS = st.sampled_from(
    [
        *("", "buy", "sell", "dividend", "2024-01-05", "03/04/2024", "13/04/2024", "x", "=1+1"),
        *("1", "-1", "1.5", "1,5", "1e9", "1e99", "999999999999999", "0.00001", "AAPL", "USD"),
        *("US0378331005", "Buy", "Sell", "Kauf", "Koop 1 @ 5 EUR", "Stock Split", "split", "N/A"),
        *("deposit", "Deposit", "YOU BOUGHT X", "Reinvest Shares", "DIVIDEND RECEIVED", "BUY"),
        *("Dividends", "Withholding Tax", "EUR", "JPY", "2050-01-01", "Market buy", "$5", "(5)"),
    ]
)


@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_any_cells_under_a_real_heading_raise_refusals_only(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in SAMPLES if path.suffix == ".csv"]))
    found = detect(path.read_bytes())
    assert found is not None
    text = path.read_text()
    delimiter = ";" if "_de" in path.name else ","
    head = max(text.splitlines()[:7], key=lambda line: line.count(delimiter))
    width = head.count(delimiter) + 1
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=4))
    body = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    drain(f"{head}\n{body}\n".encode(), found, Options(now=NOW, currency="USD"))


def test_a_large_file_is_not_held() -> None:
    """Twelve megabytes are read in less than one of memory: only packed rows are kept."""
    fat = HEAD.replace("\n", ",remark\n") + ROW.replace("\n", f",{'x' * 20_000}\n") * 600
    content = io.BytesIO(fat.encode())
    list(parse(io.BytesIO((HEAD + ROW).encode()), OPTIONS, format="ballast").rows)
    tracemalloc.start()
    found = sum(row.importable for row in parse(content, OPTIONS, format="ballast").rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == 600
    assert peak < 1_000_000
