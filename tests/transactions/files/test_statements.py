"""Statements that are read by a table of words: what their shared reader does."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from transactions.files.formats.detection import detect, parse
from transactions.files.reading.interface import Draft, Options, ParsedRow

FILES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROBINHOOD = (
    "Activity Date,Process Date,Settle Date,Instrument,Description,Trans Code,Quantity,Price,Amount"
)


def rows(content: bytes) -> list[ParsedRow]:
    return list(parse(io.BytesIO(content), Options(now=NOW)).rows)


def recorded(content: bytes) -> list[Draft]:
    return [row.entry for row in rows(content) if row.importable and row.entry]


def codes(content: bytes) -> list[list[str]]:
    return [
        [row.skipped.code] if row.skipped else [problem.code for problem in row.problems]
        for row in rows(content)
    ]


def test_a_long_block_of_holdings_hides_no_transactions() -> None:
    lines = (FILES / "vanguard.csv").read_text().splitlines(keepends=True)
    holdings = [f"40417733,FUND {number},F{number},1,1,1,\n" for number in range(900)]
    content = "".join([lines[0], *holdings, *lines[1:]]).encode()
    assert detect(content) == "vanguard"
    whole = recorded((FILES / "vanguard.csv").read_bytes())
    assert [draft.external_id for draft in recorded(content)] == [
        draft.external_id for draft in whole
    ]


def test_the_two_files_of_kraken_name_a_trade_the_same() -> None:
    trades, ledgers = (
        {draft.external_id: draft for draft in recorded((FILES / name).read_bytes())}
        for name in ("kraken_trades.csv", "kraken_ledgers.csv")
    )
    both = trades.keys() & ledgers.keys()
    assert both == {"kraken:TDQ4PL-AAAA1-ZX81QK", "kraken:TDQ4PL-AAAA3-ZX81QK"}
    for name in both:
        one, other = trades[name], ledgers[name]
        assert (one.type, one.quantity, one.fee) == (other.type, other.quantity, other.fee)
        assert one.price is not None
        assert one.quantity is not None
        # The ledger's amount and fee come to the cash that moved, so a cent may lie in either.
        assert other.amount is not None
        assert abs(other.amount - one.price * one.quantity) <= Decimal("0.01")


@pytest.mark.parametrize(
    ("quantity", "amount", "found"),
    [
        ("10", "$1999.90", []),  # the fees of a sale, which the file does not state
        ("10", "$1999.00", ["amount_mismatch"]),
        ("10", "($1999.90)", ["correction_not_supported"]),
        ("-10", "($2000.00)", ["amount_sign"]),
    ],
)
def test_a_sale_may_lack_small_fees_and_no_more(
    quantity: str, amount: str, found: list[str]
) -> None:
    row = f'6/3/2024,6/3/2024,6/4/2024,KOX,Coke,Sell,{quantity},$200.0000,"{amount}"'
    assert codes(f"{ROBINHOOD}\n{row}\n".encode()) == [found]


def test_a_canceled_purchase_is_not_recorded() -> None:
    bought = "6/3/2024,6/3/2024,6/4/2024,KOX,Coke,Buy,2,$200.00,($400.00)"
    back = "6/4/2024,6/4/2024,6/4/2024,KOX,Coke,BCXL,2,$200.00,$400.00"
    assert codes(f"{ROBINHOOD}\n{back}\n{bought}\n".encode()) == [["taken_back"], ["taken_back"]]
    assert codes(f"{ROBINHOOD}\n{bought}\n".encode()) == [[]]


def test_a_journal_within_the_account_moves_nothing() -> None:
    out = "6/3/2024,6/3/2024,6/3/2024,,To margin,JNLC,,,($50.00)"
    back = "6/3/2024,6/3/2024,6/3/2024,,From cash,JNLC,,,$50.00"
    assert codes(f"{ROBINHOOD}\n{out}\n{back}\n".encode()) == [["journal"], ["journal"]]
    (alone,) = recorded(f"{ROBINHOOD}\n{out}\n".encode())
    assert (alone.type, str(alone.amount)) == ("withdrawal", "50.00")


def test_a_file_without_a_currency_says_that_it_took_the_account_s() -> None:
    content = (FILES / "saxo.csv").read_bytes()
    kept = parse(io.BytesIO(content), Options(now=NOW, account_currency="EUR")).rows
    warned = [row for row in kept if row.importable and "currency_assumed" in row_warnings(row)]
    assert warned
    stated = parse(io.BytesIO(content), Options(now=NOW, currency="EUR")).rows
    assert not [row for row in stated if "currency_assumed" in row_warnings(row)]


def row_warnings(row: ParsedRow) -> list[str]:
    return [warning.code for warning in row.warnings]
