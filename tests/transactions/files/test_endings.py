"""Where a file ends within a line: the last row is refused if it may be cut off, else recorded."""

import io
from datetime import UTC, datetime

import pytest

from transactions.files.formats.detection import FORMATS
from transactions.files.reading.interface import Options

KRAKEN = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance,amountusd\n"
REWARD = "L{n},R{n},2024-03-18 08:00:01,earn,reward,currency,ADA,2.0,0,9,{worth}\n"
REVOLUT = "Date,Ticker,Type,Quantity,Price per share,FX Rate,Total Amount,Currency\n"
TOP_UP = "2024-03-0{n}T10:00:00Z,,CASH TOP-UP,,,1.0,USD {amount},{currency}\n"
TOTALS = "Date,Ticker,Type,Quantity,Price per share,Currency,FX Rate,Total Amount\n"
TOTAL = "2024-03-0{n}T10:00:00Z,,CASH TOP-UP,,,USD,1.0,{amount}\n"
BOUGHT = "2024-03-05T10:00:00Z,VTI,BUY - MARKET,2,{price},USD,1.0,{amount}"
DATES = """Ticker,Type,Quantity,Price per share,Currency,FX Rate,Total Amount,Date
,CASH TOP-UP,,,USD,1.0,5.00,2024-03-01
,CASH TOP-UP,,,USD,1.0,5.00,2024-03-03
,CASH TOP-UP,,,USD,1.0,5.00,{last}
"""
OWN = "executed_at,type,currency,amount\n"
DEPOSIT = "2024-03-0{n},deposit,USD,{amount}\n"


def told(format_name: str, text: str, *, encoding: str = "utf-8") -> list[str]:
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    rows = FORMATS[format_name].read(io.BytesIO(text.encode(encoding)), options)
    return ["recorded" if row.importable else (row.skipped or row.problems[0]).code for row in rows]


def rewards(*worth: str) -> str:
    return KRAKEN + "".join(REWARD.format(n=n, worth=one) for n, one in enumerate(worth))


def totals(*amounts: str) -> str:
    return TOTALS + "".join(TOTAL.format(n=n, amount=one) for n, one in enumerate(amounts, 1))


def top_ups(*currencies: str) -> str:
    rows = [TOP_UP.format(n=n, amount=5, currency=one) for n, one in enumerate(currencies, 1)]
    return REVOLUT + "".join(rows)


def deposits(*amounts: str) -> str:
    return OWN + "".join(DEPOSIT.format(n=n, amount=one) for n, one in enumerate(amounts, 1))


@pytest.mark.parametrize(
    ("format_name", "text"),
    [
        # 24.57 lost its last digit, then its decimals, where all the others have two.
        ("revolut", totals("10.50", "11.25", "24.5")),
        ("revolut", totals("10.50", "11.25", "24")),
        ("revolut", totals("10.50", "11.25", "24.")),
        # The figures of a program differ in length, so nothing proves the last one whole.
        ("kraken", rewards("1.2", "0.88", "0.1")),
        ("kraken", rewards("1.2", "0.88", "3")),
        # No other cell is empty, and no other one is a currency so named.
        ("revolut", top_ups("CHF", "CHF", "")),
        ("revolut", top_ups("CHF", "CH")),
        # A quote that opens and never closes, though the cell has as many decimals as the others.
        ("revolut", totals('"1,000.50"', '"1,000.25"', '"1,000.75')),
        ("revolut", totals('"1,000.50"', '"1,000.25"', '"')),
        # A day that is shorter than the others may have lost its end.
        ("revolut", DATES.format(last="2024-03-1")),
        # One row alone: the total has fewer decimals than the price.
        ("revolut", TOTALS + BOUGHT.format(price="10.50", amount="21")),
        # Also in what people write themselves, where the others say so.
        ("ballast", deposits("10.50", "11.25", "24.5")),
        ("ballast", deposits("10.50", '"11.25"', '"24.25')),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_last_row_that_may_be_cut_off_is_refused(
    format_name: str, text: str, encoding: str
) -> None:
    *others, last = told(format_name, text.rstrip("\n"), encoding=encoding)
    assert last != "recorded"
    assert set(others) <= {"recorded"}
    if not text.endswith(("CH\n", '"\n', ",\n", ".75\n", ".25\n")):
        # With its line end the same row is whole, as far as anybody can see.
        assert told(format_name, f"{text.rstrip()}\n", encoding=encoding)[-1] == "recorded"


@pytest.mark.parametrize(
    ("format_name", "text"),
    [
        ("revolut", totals("10.50", "11.25", "24.57")),
        ("revolut", totals("10.50", "11.25", '"24.57"')),
        ("revolut", top_ups("CHF", "CHF")),
        ("revolut", TOTALS + BOUGHT.format(price="10.50", amount="21.00")),
        ("revolut", TOTALS + BOUGHT.format(price="10", amount="20")),
        ("kraken", rewards("1.2", "0.88", '"0.1"')),
        # The figures of a program differ in length, and none has more decimals than the last one.
        ("kraken", rewards("1.2", "0.8", "3", "0.88")),
        # The total is quantity times price, to the cent.
        ("revolut", totals("5.00") + BOUGHT.format(price="10.5", amount="21")),
        ("revolut", totals("5.25") + BOUGHT.format(price="10.2", amount="20.4")),
        # Days and codes are as long as the others of their column.
        ("revolut", DATES.format(last="2024-03-04")),
        # People write a figure as long as it is, and no line end after it.
        ("ballast", deposits("10.5", "11.25", "24")),
        ("ballast", deposits("10", "11", "24")),
        ("ballast", deposits("24")),
    ],
)  # fmt: skip
def test_a_file_may_lack_its_last_line_end(format_name: str, text: str) -> None:
    assert set(told(format_name, text.rstrip("\n"))) == {"recorded"}


def test_a_description_may_be_cut_off() -> None:
    head = "Date,Action,Symbol,Quantity,Price,Fees & Comm,Amount,Description\n"
    row = "03/01/2024,Bank Interest,,,,,$1.00,INTEREST OF MARCH\n"
    assert told("schwab", (head + row * 2)[:-5]) == ["recorded"] * 2


def test_the_row_before_a_cut_one_may_have_lost_its_other_side() -> None:
    """A purchase out of a dividend is no purchase of its own, and the dividend no cash."""
    head = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n"
    other = "03/01/2024,Bank Interest,,X,,,,$1.00\n"
    bought = "03/05/2024,Reinvest Shares,SCHD,X,0.5,$80.00,,-$40.00\n"
    paid = "03/05/2024,Reinvest Dividend,SCHD,X,,,,$40.00\n"
    assert told("schwab", head + other + bought + paid)[:2] == ["recorded", "recorded"]
    assert told("schwab", head + other + bought + paid[:-5]) == [
        "recorded",
        "held_back",
        "row_cut_off",
    ]
    assert told("schwab", head + bought + other + paid[:-5])[:2] == ["recorded", "recorded"]
