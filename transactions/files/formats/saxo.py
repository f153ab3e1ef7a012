"""Saxo's list of transactions, whose event says quantity and price: `Buy 3 @ 139.74 USD`. Pure.

The amount is in the currency of the account: with the conversion rate 1 that of the instrument,
else the one that the options state, or that of our account. What quantity and price do not explain
is the commission.
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
    name="saxo",
    columns={
        "account": ("Client ID",),
        "date": ("Trade Date",),
        "kind": ("Type",),
        "name": ("Instrument",),
        "isin": ("Instrument ISIN",),
        "instrument_currency": ("Instrument currency",),
        "symbol": ("Instrument Symbol",),
        "type": ("Event",),
        "amount": ("Amount", "Booked Amount"),
        "order_id": ("Order ID",),
        "rate": ("Conversion Rate",),
    },
    required=frozenset(
        {"date", "kind", "isin", "instrument_currency", "symbol", "type", "amount", "rate"}
    ),
    numbers=("amount",),
    money={"amount": "currency", "price": "price_currency"},
)
_BOOKINGS = Bookings(
    prefix="saxo",
    layouts=[LAYOUT],
    costs=Costs.HIDDEN,
    words=words(
        dividend=["Dividend"],
        tax=["Withholding tax"],
        fee=["Custody Fee"],
        deposit=["Deposit"],
        withdrawal=["Withdrawal"],
        interest=["Interest"],
    ),
)
_TRADE = re.compile(r"(Buy|Sell|Koop|Verkoop) (-?[\d.,]{1,30}) @ ([\d.,]{1,30}) ([A-Za-z]{3})")
_MONTHS = {"-mrt-": "-Mar-", "-mei-": "-May-", "-okt-": "-Oct-"}


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    added = {"symbol": line.text("symbol").partition(":")[0], "date": line.text("date")}
    for dutch, month in _MONTHS.items():
        added["date"] = added["date"].replace(dutch, month)
    if line.text("rate").rstrip("0").rstrip(".,") == "1":
        added["currency"] = line.text("instrument_currency")
    else:
        added["currency"] = line.options.currency or line.options.account_currency
        if added["currency"] and not line.options.currency:
            line.warn("currency_assumed", of="amount")
    meaning = None
    if match := _TRADE.fullmatch(line.text("type")[:100]):
        meaning = "buy" if match[1] in ("Buy", "Koop") else "sell"
        quantity, price = (
            part.replace(",", "").replace(".", line.decimal) for part in match.groups()[1:3]
        )
        added |= {"quantity": quantity, "price": price, "price_currency": match[4]}
    line.cells = {**line.cells, **added}
    yield from booked_rows(line, bookings, meaning)


FORMATS = [
    ReadFormat(
        name="saxo",
        title="Saxo",
        read=read,
        signatures=[{"trade date", "instrument isin", "instrument symbol", "conversion rate"}],
        layouts=[LAYOUT],
    ),
]
