"""Hargreaves Lansdown's CSV of transactions, in pounds; the unit cost may be in pence. Pure.

A reference of B or S and a number is a trade, whose costs are what quantity and unit cost do not
explain. Securities are known by their names alone.
"""

import re
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
    name="hargreaves_lansdown",
    columns={
        "date": ("Trade date",),
        "settled_on": ("Settle date",),
        "type": ("Reference",),
        "name": ("Description",),
        "note": ("Description",),
        "price": ("Unit cost (p)", "Unit cost (£)"),
        "quantity": ("Quantity", "Qty"),
        "amount": ("Value (£)",),
    },
    required=frozenset({"date", "settled_on", "type", "name", "price", "quantity", "amount"}),
    decimal=".",
    date_order="dmy",
    money={"price": "price_currency"},
)
_BOOKINGS = Bookings(
    prefix="hl",
    layouts=[LAYOUT],
    costs=Costs.HIDDEN,
    currency="GBP",
    words=words(
        dividend=("ST DIV", "OVR CR", "UTC CR"),
        interest=["INTEREST"],
        fee=["MANAGE FEE"],
        deposit=("FPC", "Card Web"),
        withdrawal=["FPD"],
        cash=["Transfer"],
    ),
)
_TRADE = re.compile(r"[BS]\d{3,20}")
# What follows the name of the security in a description.
_END = re.compile(
    r" [\d,.]{1,20} @ {1,2}[\d,.]{1,20}$| (?:Overseas )?Dividend(?: Payment)?$"
    r"|(?: -)? UT Cash Payment$"
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    reference, meaning = line.text("type"), None
    unit = "GBX" if line.columns.get("price", "").casefold().endswith("(p)") else "GBP"
    name = _END.sub("", line.text("name")[:200]).strip()
    line.cells = {**line.cells, "name": name, "currency": "GBP", "price_currency": unit}
    if _TRADE.fullmatch(reference):
        meaning = "buy" if reference[0] == "B" else "sell"
        line.cells = {**line.cells, "id": reference}
    yield from booked_rows(line, bookings, meaning)


FORMATS = [
    ReadFormat(
        name="hargreaves_lansdown",
        title="Hargreaves Lansdown",
        read=read,
        layouts=[LAYOUT],
    ),
]
