"""Snowball Analytics: its export, which is also the CSV that its import takes. Pure.

    Event, Date, Symbol, Price, Quantity, Currency, FeeTax, Exchange, NKD, FeeCurrency,
    DoNotAdjustCash, Note

The quantity of a dividend is its total before the tax, which is `FeeTax`; that of a movement of
cash is the amount. The price of a split is its ratio. A spin-off names no parent, NKD is interest
accrued on a bond (newer exports leave it out), and `DoNotAdjustCash` means that no cash moved: such
rows are refused, as is a fee in another currency. Prices of custom holdings are no transactions.
"""

from collections.abc import Iterator
from typing import BinaryIO

from core.money import plain
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.bookings import Bookings, Costs, booked_rows, read_bookings, words
from transactions.files.reading.interface import SKIP_CODES, Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import ZERO, About, draft
from transactions.files.reading.tables import Layout

_NAMES = ("Date", "Symbol", "Price", "Quantity", "Currency", "NKD", "FeeCurrency", "Note")
LAYOUT = Layout(
    name="snowball",
    columns={
        **{name.lower(): (name,) for name in _NAMES},
        "type": ("Event",),
        "fee": ("FeeTax",),
        "unmoved": ("DoNotAdjustCash",),
    },
    required=frozenset(
        {"type", "date", "symbol", "price", "quantity", "currency", "fee", "feecurrency", "unmoved"}
    ),
    optional=("nkd",),  # exports of accounts that never had bonds lack it
    by_hand=True,
    dates=("date",),
    numbers=("price", "quantity", "fee"),
    money={"price": "currency", "amount": "currency", "fee": "feecurrency"},
)
_BOOKINGS = Bookings(
    prefix="snowball",
    layouts=[LAYOUT],
    costs=Costs.BESIDE,
    signed=False,
    tax_of_income=True,
    words=words(
        **{kind: [kind] for kind in ("buy", "sell", "dividend", "split", "tax")},
        reinvestment=["stock_as_dividend"],
        deposit=["cash_in"],
        withdrawal=["cash_out"],
        interest=["cash_gain"],
        fee=("fee", "cash_expense"),
        fx_conversion=["cash_convert"],
        informational=("custom_holding_price", "custom_holding_settings"),
        event_incomplete=("spinoff", "amortisation", "repayment"),
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    kind = bookings.words.get(line.text("type").casefold(), "")
    elsewhere = line.code("feecurrency") not in ("", line.code("currency"))
    unmoved = line.text("unmoved").casefold() == "true" and kind != "split"
    if kind not in SKIP_CODES and (
        unmoved or line.figure("nkd") or (elsewhere and line.figure("fee"))
    ):
        yield line.refused("event_incomplete", of="unmoved" if unmoved else "fee")
    elif kind == "split":
        ratio = line.figure("price") or ZERO
        if ratio <= 0:
            line.problem("ratio_invalid", of="price")
        at, currency = line.happened("split", "date"), line.currency("currency")
        about = About(at=at, currency=currency, security=line.security(required=True))
        yield draft(line, "split", about, ratio=f"{plain(ratio)}:1")
    else:
        cells = dict(line.cells)
        if kind not in ("buy", "sell", "reinvestment"):
            cells |= {"amount": line.text("quantity"), "quantity": ""}
        if kind in ("fee", "tax"):
            stated = line.text("quantity" if line.figure("quantity") else "fee")
            cells |= {"amount": f"-{stated.lstrip('-')}", "fee": ""}
        line.cells = cells
        yield from booked_rows(line, bookings)


FORMATS = [
    ReadFormat(
        name="snowball",
        title="Snowball Analytics",
        read=read,
        signatures=[{"event", "symbol", "price", "quantity", "feetax", "donotadjustcash"}],
        layouts=[LAYOUT],
    ),
]
