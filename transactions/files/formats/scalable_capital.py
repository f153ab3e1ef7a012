"""Scalable Capital's CSV of transactions: German time, semicolons, decimal comma. Pure.

The amount of a trade is before or after costs; quantity and price say which. The amount of a
distribution is what arrived after the tax.
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
    name="scalable_capital",
    columns={
        **{name: (name,) for name in ("date", "time", "status", "type", "isin", "price", "amount")},
        **{name: (name,) for name in ("fee", "tax", "currency")},
        "id": ("reference",),
        "name": ("description",),
        "quantity": ("shares",),
    },
    required=frozenset(
        {"date", "status", "id", "type", "isin", "quantity", "price", "amount", "fee", "tax"}
        | {"currency"}
    ),
    numbers=("quantity", "price", "amount", "fee", "tax"),
    money=dict.fromkeys(("price", "amount", "fee", "tax"), "currency"),
)
_BOOKINGS = Bookings(
    prefix="scalable",
    layouts=[LAYOUT],
    costs=Costs.EITHER,
    positive_taxes=True,
    words=words(
        buy=("Buy", "Savings plan"),
        sell=["Sell"],
        dividend=["Distribution"],
        interest=["Interest"],
        deposit=["Deposit"],
        withdrawal=["Withdrawal"],
        fee=["Fee"],
        tax=["Taxes"],
        event_incomplete=("Corporate action", "Security transfer"),
    ),
)
# How the description of taxes says that earlier ones came back.
_REFUNDS = ("erstattung", "refund", "steuerausgleich", "verlustverrechnung")


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    status = line.text("status").casefold()
    if status in ("cancelled", "expired", "rejected", "pending"):
        yield line.skip("not_executed")
    elif status != "executed":
        yield line.refused("value_invalid", of="status")
    else:
        told = line.text("name").casefold()
        back = line.text("type").casefold() == "taxes" and any(word in told for word in _REFUNDS)
        meaning = "refund" if back and (line.figure("amount") or 0) > 0 else None
        yield from booked_rows(line, bookings, meaning)


FORMATS = [
    ReadFormat(
        name="scalable_capital",
        title="Scalable Capital",
        read=read,
        signatures=[{"status", "reference", "assettype", "isin", "shares"}],
        layouts=[LAYOUT],
    ),
]
