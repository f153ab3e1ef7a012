"""BUX: the transactions of an account, each with the cash that moved. Pure.

    Transaction Time, Transaction Category, Transaction Type, Transaction Amount, Transaction
    Currency, Cash Balance Amount, Asset Id, Asset Name, Asset Quantity, Asset Price, ...

Fees are rows of their own. The price is that of the market, in its currency. A dividend is what
arrived: its tax stands beside it, and is used if it is in the same currency.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.bookings import Bookings, Costs, booked_rows, read_bookings, words
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="bux",
    columns={
        "date": ("Transaction Time",),
        "category": ("Transaction Category",),
        "type": ("Transaction Type",),
        "amount": ("Transaction Amount",),
        "currency": ("Transaction Currency",),
        "balance": ("Cash Balance Amount",),
        "isin": ("Asset Id",),
        "name": ("Asset Name",),
        "quantity": ("Asset Quantity",),
        "price": ("Asset Price",),
        "price_currency": ("Asset Currency",),
        "tax_currency": ("Dividend Currency",),
        "tax": ("Dividend Tax Amount",),
        "note": ("Transaction Description",),
    },
    required=frozenset(
        {"date", "category", "type", "amount", "currency", "isin", "quantity", "price"}
        | {"price_currency", "tax", "tax_currency"}
    ),
    decimal=".",
    date_order="ymd",
    money={"amount": "currency", "price": "price_currency", "tax": "tax_currency"},
)
_BOOKINGS = Bookings(
    prefix="bux",
    layouts=[LAYOUT],
    costs=Costs.INCLUDED,
    words=words(
        buy=["Buy Trade"],
        sell=["Sell Trade"],
        dividend=["Cash Dividend"],
        interest=["Interest Payment"],
        fee=("Trading Fee", "Subscription Fee", "Currency Exchange Fee", "Service Fee"),
        deposit=("Sepa Deposit", "Ideal Deposit", "Card Deposit"),
        withdrawal=["Sepa Withdrawal"],
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    if line.text("category").casefold() == "corporate_actions":
        yield line.refused("event_incomplete", of="category")
        return
    if line.figure("tax") and line.code("tax_currency") != line.code("currency"):
        line.warn("tax_not_stated_apart", of="tax")
        line.cells = {**line.cells, "tax": ""}
    yield from booked_rows(line, bookings)


FORMATS = [
    ReadFormat(
        name="bux",
        title="BUX",
        read=read,
        signatures=[{"transaction category", "transaction type", "asset id", "asset quantity"}],
        layouts=[LAYOUT],
    ),
]
