"""Comdirect's list of a depot's transactions, whose rows bear no word for what happened. Pure.

The sign of the units or of the amount says whether a row is a purchase or a sale: a row without
either is refused. What quantity and price do not explain is the costs.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.bookings import Bookings, Costs, booked_rows, read_bookings
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="comdirect",
    columns={
        "date": ("Geschäftstag",),
        "booked": ("Buchungstag",),
        "quantity": ("Stück / Nom.",),
        "name": ("Bezeichnung",),
        "symbol": ("WKN",),
        "price_currency": ("Währung",),
        "price": ("Ausführungskurs",),
        "amount": ("Umsatz in EUR",),
    },
    required=frozenset(
        {"date", "booked", "quantity", "name", "symbol", "price_currency", "price", "amount"}
    ),
    decimal=",",
    money={"price": "price_currency"},
)
_BOOKINGS = Bookings(
    prefix="comdirect",
    layouts=[LAYOUT],
    words={},
    costs=Costs.HIDDEN,
    signed=False,
    currency="EUR",
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    quantity, amount = line.figure("quantity"), line.figure("amount")
    line.cells = {**line.cells, "currency": "EUR"}
    sold = quantity is not None and quantity < 0
    bought = amount is not None and amount < 0
    if sold == bought:
        yield line.refused("type_missing", of="quantity")
    else:
        yield from booked_rows(line, bookings, "sell" if sold else "buy")


FORMATS = [ReadFormat(name="comdirect", title="comdirect", read=read, layouts=[LAYOUT])]
