"""An exchange of currencies is two rows: both are skipped, and one alone is refused."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from transactions.files.formats.detection import FORMATS
from transactions.files.reading.interface import Options

QUESTRADE = (
    "Transaction Date,Settlement Date,Action,Symbol,Description,Quantity,Price,Gross Amount,"
    "Commission,Net Amount,Currency,Account #,Activity Type,Account Type\n"
)
SWISSQUOTE = (
    "Date;Order #;Transaction;Symbol;Name;ISIN;Quantity;Unit price;Costs;Accrued Interest;"
    "Net Amount;Balance;Currency\n"
)
WEALTHSIMPLE = (
    "transaction_date,settlement_date,account_id,account_type,activity_type,activity_sub_type,"
    "direction,symbol,name,currency,quantity,unit_price,commission,net_cash_amount\n"
)
DEGIRO = "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id\n"
TRADING212 = (
    "Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),"
    "Exchange rate,Total,Currency (Total),ID,Currency conversion fee,"
    "Currency (Currency conversion fee)\n"
)
ROWS = {
    "questrade": (
        QUESTRADE,
        "2025-04-{day} 12:00:00 AM,2025-04-03 12:00:00 AM,FXT,,FX CONVERSION,0,0,0,0,"
        "{amount},{currency},51204418,FX conversion,TFSA\n",
    ),
    "swissquote": (
        SWISSQUOTE,
        "{day}-04-2025 10:00:25;{order};Forex {word};;;;1.0;1.00;0.00;0.00;{amount};0.00;"
        "{currency}\n",
    ),
    "wealthsimple": (
        WEALTHSIMPLE,
        "2025-04-{day},2025-04-02,HQ4CAD,TFSA,FxExchange,,,,,{currency},,,,{amount}\n",
    ),
    "degiro": (
        DEGIRO,
        '{day}-04-2025,08:37,15-04-2025,,,Valuta {way},,{currency},"{amount}",{currency},"0,00",\n',
    ),
    "trading212": (
        TRADING212,
        "Currency conversion,2025-04-{day} 11:45:06,,,,,,,,{amount},{currency},fx-1,,\n",
    ),
}
OUT, IN = ("-500.00", "CAD"), ("345.00", "USD")


def row(name: str, side: tuple[str, str], *, day: str = "03", order: str = "7") -> str:
    amount, currency = side
    out = amount.startswith("-")
    return ROWS[name][1].format(
        day=day,
        order=order,
        amount=amount.replace(".", ",") if name == "degiro" else amount,
        currency=currency,
        word="debit" if out else "credit",
        way="Debitering" if out else "Creditering",
    )


def told(name: str, rows: Sequence[str]) -> list[str]:
    """What becomes of each row; none of an exchange is ever recorded."""
    text = ROWS[name][0] + "".join(rows)
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    read = list(FORMATS[name].read(io.BytesIO(text.encode()), options))
    assert not any(found.importable for found in read)
    return [found.skipped.code if found.skipped else found.problems[0].code for found in read]


@pytest.mark.parametrize("name", ROWS)
def test_both_sides_are_skipped_and_one_alone_is_refused(name: str) -> None:
    out, arrived = row(name, OUT), row(name, IN)
    assert told(name, [out, arrived]) == ["fx_conversion"] * 2
    assert told(name, [arrived, out]) == ["fx_conversion"] * 2
    for alone in (out, arrived):
        assert told(name, [alone]) == ["counterpart_missing"]
    assert told(name, [out, arrived, out]) == ["fx_conversion"] * 2 + ["counterpart_missing"]


@pytest.mark.parametrize("name", ROWS)
def test_another_day_and_the_same_currency_are_no_other_side(name: str) -> None:
    assert told(name, [row(name, OUT), row(name, IN, day="04")]) == ["counterpart_missing"] * 2
    same = row(name, ("500.00", "CAD"))
    assert told(name, [row(name, OUT), same]) == ["counterpart_missing"] * 2


def test_the_sides_of_one_order_belong_together() -> None:
    """The third row is of another order, and is the one whose other side is missing."""
    rows = [row("swissquote", OUT, order="7"), row("swissquote", IN, order="8")]
    rows.append(row("swissquote", ("346.00", "USD"), order="7"))
    assert told("swissquote", rows) == ["fx_conversion", "counterpart_missing", "fx_conversion"]


def test_a_row_that_lost_half_its_order_s_id_refuses_the_order() -> None:
    """The heading comes again between a row and the rest of its id, as where files are joined."""
    cells = '03-04-2025,08:37,03-04-2025,V,US9256521090,{text},,{currency},"{amount}",EUR,"0,00",'
    whole = "11112222-aaaa-bbbb-cccc-333344445555"
    rows = [
        cells.format(text="Valuta Creditering", currency="USD", amount="31,80") + whole[:19] + "\n",
        DEGIRO,
        f",,,,,,,,,,,{whole[19:]}\n",
        cells.format(text="Valuta Debitering", currency="EUR", amount="-29,00") + whole + "\n",
        cells.format(text='"Koop 1 @ 31,8 USD"', currency="USD", amount="-31,80") + whole + "\n",
    ]
    found = told("degiro", rows)
    assert [found[0], *found[-2:]] == ["row_cut_off", "event_incomplete", "event_incomplete"]


def test_a_row_that_states_both_sides_needs_no_other() -> None:
    head = TRADING212.replace(",ID,", ",ID,Currency conversion to amount,")
    line = "Currency conversion,2025-04-03 11:45:06,,,,,,,,0,EUR,fx-1,100.00,,\n"
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    [found] = FORMATS["trading212"].read(io.BytesIO((head + line).encode()), options)
    assert found.skipped is not None
    assert found.skipped.code == "fx_conversion"
