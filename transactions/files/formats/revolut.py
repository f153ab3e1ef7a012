"""Revolut's statement of a trading account: shares, by ticker. Pure.

The total is what moved; what quantity and price do not explain is the commission. Totals of trades
have no sign. The exchange rate leads to a currency that the file does not name, so it is not used.
"""

from collections.abc import Iterator
from typing import BinaryIO

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
    name="revolut",
    columns={
        "date": ("Date",),
        "symbol": ("Ticker",),
        "type": ("Type",),
        "quantity": ("Quantity",),
        "price": ("Price per share",),
        "amount": ("Total Amount",),
        "currency": ("Currency",),
    },
    required=frozenset({"date", "symbol", "type", "quantity", "price", "amount", "currency"}),
    dates=("date",),
    decimal=".",
    money=dict.fromkeys(("price", "amount"), "currency"),
)
_BOOKINGS = Bookings(
    prefix="revolut",
    layouts=[LAYOUT],
    costs=Costs.HIDDEN,
    signed=False,
    words=words(
        dividend=["DIVIDEND"],
        deposit=("CASH TOP-UP", "DEPOSIT"),
        withdrawal=["CASH WITHDRAWAL"],
        interest=("INTEREST", "INTEREST PAID"),
        fee=("CUSTODY FEE", "ROBO MANAGEMENT FEE"),
        split=["STOCK SPLIT"],
        event_incomplete=("POSITION CLOSURE", "MERGER - STOCK", "MERGER - CASH", "SPINOFF"),
        fee_back=["CUSTODY FEE REVERSAL"],
        tax_back=["DIVIDEND TAX (CORRECTION)"],
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    word, meaning = line.text("type").upper(), None
    if word.startswith(("BUY - ", "SELL - ")):
        meaning = word.partition(" ")[0].lower()
    elif word.startswith("DIVIDEND TAX") and (line.figure("amount") or 0) < 0:
        meaning = "tax"
    elif word.startswith("TRANSFER FROM ") and " TO REVOLUT" in word:
        meaning = "journal"  # from one company of Revolut to another
    yield from booked_rows(line, bookings, meaning)


FORMATS = [
    ReadFormat(
        name="revolut",
        title="Revolut",
        read=read,
        signatures=[{"date", "ticker", "type", "price per share", "total amount", "fx rate"}],
        layouts=[LAYOUT],
    ),
]
