"""Freetrade's CSV of activity: totals without sign, in the currency of the account. Pure.

The total of an order includes stamp duty and the fee of the conversion. The tax withheld from a
dividend is in the currency of the share; the net distribution gives the rate.
"""

from collections.abc import Iterator
from typing import BinaryIO

from core.money import WIDE, plain, quantize
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.bookings import (
    Bookings,
    Costs,
    booked_rows,
    read_bookings,
    words,
)
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="freetrade",
    columns={
        "name": ("Title",),
        "type": ("Type",),
        "date": ("Timestamp",),
        "currency": ("Account Currency",),
        "amount": ("Total Amount", "Total Amount in Account Currency"),
        "side": ("Buy / Sell",),
        "symbol": ("Ticker",),
        "isin": ("ISIN",),
        "fee 1": ("Stamp Duty",),
        "fee 2": ("FX Fee Amount",),
        "quantity": ("Quantity",),
        "id": ("Order ID",),
        "price": ("Price per Share",),
        "price_currency": ("Instrument Currency",),
        "net": ("Dividend Net Distribution Amount",),
        "tax": ("Dividend Withheld Tax Amount",),
    },
    required=frozenset(
        {"name", "type", "date", "currency", "amount", "side", "symbol", "isin", "quantity"}
        | {"fee 1", "fee 2", "price", "price_currency", "net", "tax"}
    ),
    decimal=".",
    money={
        **dict.fromkeys(("amount", "fee 1", "fee 2"), "currency"),
        **dict.fromkeys(("price", "net", "tax"), "price_currency"),
    },
)
_BOOKINGS = Bookings(
    prefix="freetrade",
    layouts=[LAYOUT],
    costs=Costs.INCLUDED,
    signed=False,
    words=words(
        dividend=("DIVIDEND", "SPECIAL_DIVIDEND"),
        deposit=["TOP_UP"],
        withdrawal=["WITHDRAWAL"],
        interest=["INTEREST_FROM_CASH"],
        informational=(
            *("MONTHLY_STATEMENT", "TAX_CERTIFICATE", "MONTHLY_SHARE_LENDING_STATEMENT"),
        ),
        event_incomplete=("FREESHARE_ORDER", "STOCK_SPLIT"),
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    meaning = line.text("side").lower() if line.text("type") == "ORDER" else None
    title = line.text("name").casefold()
    if line.text("type") == "INTERNAL_TRANSFER" and title.startswith("internal transfer "):
        meaning = {"from": "deposit", "to": "withdrawal"}.get(title.split()[2])
    if meaning not in (None, "buy", "sell", "deposit", "withdrawal"):
        yield line.refused("value_invalid", of="side")
        return
    if line.code("price_currency") not in ("", line.code("currency")):
        _convert_tax(line)
    yield from booked_rows(line, bookings, meaning)


def _convert_tax(line: Line) -> None:
    """Put the tax withheld into the currency of the account, at the rate of the payment."""
    tax, net, paid = line.figure("tax"), line.figure("net"), line.figure("amount")
    if not tax:
        return
    converted = ""
    if net and paid:
        rate = WIDE.divide(abs(paid), abs(net))
        converted = plain(quantize(WIDE.multiply(tax, rate), line.code("currency") or "GBP"))
    else:
        line.warn("tax_not_stated_apart", of="tax")
    line.cells = {**line.cells, "tax": converted}


FORMATS = [
    ReadFormat(
        name="freetrade",
        title="Freetrade",
        read=read,
        signatures=[{"timestamp", "account currency", "buy / sell"}],
        layouts=[LAYOUT],
    ),
]
