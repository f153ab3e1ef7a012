"""What a broker's file states about a day, format by format."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from io import BytesIO
from pathlib import Path

import pytest

from core.errors import InvalidInput
from transactions.files.formats.detection import HEAD_BYTES
from transactions.files.reading.interface import Options
from transactions.files.stated import interface
from transactions.files.stated.detection import STATEMENTS, detect_statement
from transactions.files.stated.interface import Statement

OPTIONS = Options(now=datetime(2026, 11, 28, tzinfo=UTC))
SAMPLES = Path(__file__).parent / "statements"


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


OFX_1 = sample("ofx_1.ofx")
OFX_2 = sample("ofx_2.ofx")
FLEX_XML = sample("ibkr_flex.xml")
FLEX_CSV = sample("ibkr_flex.csv")
IBKR = sample("ibkr_statement.csv")
SCHWAB = sample("schwab_positions.csv")
FIDELITY = sample("fidelity_positions.csv")
VANGUARD = sample("vanguard_positions.csv")
DEGIRO = sample("degiro_positions.csv")
PIE = sample("trading212_pie.csv")
WEALTHSIMPLE = sample("wealthsimple_holdings.csv")
ING = sample("ing_positions.csv")
COMDIRECT = sample("comdirect_positions.csv")
BALLAST = sample("ballast_statement.csv")
FILES = {
    "ballast_statement": BALLAST,
    "ofx": OFX_1,
    "ibkr_flex": FLEX_XML,
    "ibkr_statement": IBKR,
    "schwab_positions": SCHWAB,
    "fidelity_positions": FIDELITY,
    "vanguard_positions": VANGUARD,
    "degiro_positions": DEGIRO,
    "trading212_pie": PIE,
    "wealthsimple_holdings": WEALTHSIMPLE,
    "ing_positions": ING,
    "comdirect_positions": COMDIRECT,
}


def read(text: str, name: str = "", options: Options = OPTIONS) -> Statement:
    data = text.encode()
    name = name or detect_statement(data[:HEAD_BYTES]) or ""
    return STATEMENTS[name].read(BytesIO(data), options)


def held(found: Statement) -> list[tuple[str, D]]:
    return [(row.security.key, row.quantity) for row in found.positions]


def balances(found: Statement) -> list[tuple[str, D, D | None]]:
    return [(row.currency, row.amount, row.settled) for row in found.cash]


def refused(found: Statement) -> list[str]:
    return [row.problem.code for row in found.unreadable]


def test_every_format_has_a_file_here_and_is_recognized_by_it() -> None:
    assert set(FILES) == set(STATEMENTS)
    assert {name: detect_statement(text.encode()) for name, text in FILES.items()} == {
        name: name for name in FILES
    }


@pytest.mark.parametrize(
    ("text", "positions", "cash", "day"),
    [
        (OFX_1, [("AAPL", D("12.3456")), ("IE00BK5BQT80", D("3.5")), ("88160R101", D(-5))],
         [("USD", D("1234.50"), None), ("USD", D(-200), None)], date(2024, 3, 28)),
        (OFX_2, [], [("EUR", D("-10.25"), None)], date(2024, 1, 31)),
        (FLEX_XML, [("VT", D(10))],
         [("EUR", D(100), D(100)), ("USD", D("1000.5"), D("900.5")),
          ("USD", D("1108.5"), D("1008.5"))], date(2024, 6, 28)),
        (FLEX_CSV, [("VT", D(10))], [("USD", D("1000.5"), D("900.5"))], date(2024, 6, 28)),
        (IBKR, [("XEQT", D("205.2935")), ("VTI", D(1002))],
         [("USD", D("470.09"), None), ("CAD", D("-20.5"), None), ("USD", D("485.16"), None)],
         date(2026, 4, 15)),
        (SCHWAB, [("SCHB", D("1012.5"))], [("USD", D("1234.56"), None)], date(2025, 5, 4)),
        (FIDELITY, [("MSFT", D(4)), ("MSFT", D("1.5")), ("FXAIX", D("10.123"))],
         [("USD", D("480.25"), D("500.25"))], date(2026, 9, 25)),
        (VANGUARD, [("VTSAX", D("100.5")), ("VMFXX", D("500.17"))], [], None),
        (DEGIRO, [("NL0012817175", D(100)), ("US81762P1021", D(20))],
         [("EUR", D("9587.44"), None)], None),
        (PIE, [("AAPL", D("10.25"))], [], None),
        (WEALTHSIMPLE, [("ZEQT", D(100))], [("CAD", D("15.20"), None)], date(2026, 5, 8)),
        (ING, [("IE00B4L5Y983", D("1100.5"))], [], date(2026, 8, 7)),
        (BALLAST, [("AAA", D("15.5")), ("=EEE", D(2))], [("USD", D("-3722.41"), None)],
         date(2024, 6, 28)),
        (COMDIRECT, [("A0RPWH", D("12.5"))], [], None),
    ],
)  # fmt: skip
def test_positions_and_cash_are_those_of_the_file(
    text: str, positions: list[tuple[str, D]], cash: list[tuple[str, D, D | None]], day: date | None
) -> None:
    found = read(text)
    assert held(found) == positions
    assert balances(found) == cash
    assert found.day == day


def test_what_is_not_supported_is_told_and_not_left_out() -> None:
    assert refused(read(OFX_1)) == ["option_not_supported"]
    assert refused(read(FLEX_XML)) == ["option_not_supported"]
    assert refused(read(SCHWAB)) == ["option_not_supported"]
    bad = SCHWAB.replace('"1,012.5"', '"many"')
    assert refused(read(bad)) == ["number_invalid", "option_not_supported"]


def test_what_a_file_does_not_state_is_not_zero() -> None:
    bank = read(OFX_2)
    assert (bank.states_positions, bank.states_cash) == (False, True)
    empty = OFX_1[: OFX_1.index("<POSSTOCK>")] + OFX_1[OFX_1.index("</INVPOSLIST>") :]
    assert (read(empty).states_positions, held(read(empty))) == (True, [])
    pie = read(PIE)
    assert (pie.is_part, pie.states_cash) == (True, False)
    assert [row.is_cash for row in read(VANGUARD).positions] == [False, True]


def test_the_base_currency_is_told_apart_and_costs_are_read() -> None:
    assert [row.is_whole for row in read(FLEX_XML).cash] == [False, False, True]
    assert [row.cost_basis for row in read(FLEX_XML).positions] == [D("1000.5")]
    assert [row.cost_basis for row in read(ING).positions] == [D("90645.98")]
    assert read(IBKR).positions[1].security.isin == "US9229087690"
    assert read(FIDELITY).accounts == ["X87654321", "Z12345678"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_hostile_file_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (
        b"PK\x03\x04" + b"\0" * 64,
        FILES[name].encode().replace(b"1", b"\0", 1),
        FILES[name].encode()[:50] + b'"' + b"x" * 10_000_000,
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><FlexQueryResponse>&b;',
    ):
        with pytest.raises(InvalidInput):
            STATEMENTS[name].read(BytesIO(data), OPTIONS)
    monkeypatch.setattr(interface, "STATED_ROWS_MAX", 0)
    with pytest.raises(InvalidInput) as refusal:
        read(FILES[name], name)
    assert refusal.value.code == "rows_too_many"
