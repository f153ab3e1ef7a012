"""Trade Republic: its own CSV of transactions, and `account_transactions.csv` of pytr. Pure.

own    amounts before costs and taxes, which are signed and stand beside them; the `symbol` is
       an ISIN, or the name of a coin; gifts of the broker are income
pytr   the value is what moved; its headings and words are in the language of the system, its
       currency is the euro
"""

from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.portfolio_performance_labels import COLUMNS, TYPES
from transactions.files.reading.bookings import (
    Bookings,
    Costs,
    booked_rows,
    read_bookings,
    words,
)
from transactions.files.reading.cells import is_isin
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

_OWN = Layout(
    name="own",
    columns={
        **{name: (name,) for name in ("type", "name", "symbol", "price", "amount", "fee", "tax")},
        "date": ("datetime", "date"),
        "quantity": ("shares",),
        "currency": ("currency",),
        "note": ("description",),
        "id": ("transaction_id",),
    },
    required=frozenset(
        {"date", "type", "symbol", "quantity", "price", "amount", "fee", "tax", "currency", "id"}
    ),
    decimal=".",
    money=dict.fromkeys(("price", "amount", "fee", "tax"), "currency"),
)
_OTHER_COLUMNS = ("currency", "gross", "gross_currency", "rate")
_PYTR = Layout(
    name="pytr",
    columns={
        **{name: COLUMNS[name] for name in ("date", "isin", "fee", "note")},
        "type": (*COLUMNS["type"], "Transactietype"),
        "amount": (*COLUMNS["value"], "Waarde (netto)"),
        "name": COLUMNS["note"],
        "quantity": (*COLUMNS["quantity"], "Cantidad", "Aantal"),
        "tax": (*COLUMNS["tax"], "Belasting"),
        # Columns of Portfolio Performance, whose words mean other things.
        **{name: COLUMNS[name] for name in _OTHER_COLUMNS},
        "security": COLUMNS["name"],
    },
    required=frozenset({"date", "type", "amount", "note", "isin", "quantity", "fee", "tax"}),
    absent=frozenset({*_OTHER_COLUMNS, "security"}),
    dates=("date",),
    numbers=("amount", "quantity", "fee", "tax"),
)
_OWN_BOOKINGS = Bookings(
    prefix="traderepublic",
    layouts=[_OWN],
    costs=Costs.BESIDE,
    currency="EUR",
    words=words(
        buy=["buy"],
        sell=["sell"],
        dividend=["dividend", "distribution"],
        interest=(
            *("interest_payment", "stockperk", "benefits_saveback", "referral", "bonus"),
            "pea_marketing",
        ),
        fee=["card_ordering_fee"],
        tax=("earnings", "pre_determined_tax_base", "sec_account", "tax_optimization"),
        units=["free_receipt"],
        split=["split"],
        reinvestment=["stock_dividend"],
        event_incomplete=(
            *("migration", "exchange", "share_exchange", "adr_discontinuation", "reorganisation"),
            *("reverse_split", "worthless", "dividend_reinvestment"),
            *("bonus_issue", "bonus_issue_cancelled"),
        ),
    ),
)
# Words of Portfolio Performance that are read otherwise here, or not at all.
_OTHERS = {
    *("interest_charge", "fee_refund", "tax_refund"),
    *("transfer_in", "transfer_out", "delivery_in", "delivery_out"),
}
_PYTR_BOOKINGS = Bookings(
    prefix="traderepublic",
    layouts=[_PYTR],
    costs=Costs.INCLUDED,
    currency="EUR",
    words=words(event_incomplete=["Split", "Spinoff", "Swap"])
    | words(buy=["Aankoop"], withdrawal=["Onttrekking"], interest=["Rentebaten", "Interessi"])
    | words(fee=("Rentelasten", "Interessi passivi"), refund=["Terugbetaling van kosten"])
    | words(**{kind: labels for kind, labels in TYPES.items() if kind not in _OTHERS})
    | words(fee=TYPES["interest_charge"])
    | words(refund=(*TYPES["fee_refund"], *TYPES["tax_refund"], "Terugbetaling van belastingen"))
    | words(deposit=TYPES["transfer_in"], withdrawal=TYPES["transfer_out"]),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _OWN_BOOKINGS, _PYTR_BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    if bookings is _PYTR_BOOKINGS:
        yield from booked_rows(line, bookings)
        return
    word, meaning = line.text("type").casefold(), None
    if is_isin(line.text("symbol")):
        line.cells = {**line.cells, "isin": line.text("symbol"), "symbol": ""}
    if word.startswith(
        ("customer_", "transfer_", "payment_", "card_transaction", "card_refund")
    ) or (word == "manual_cash_transfer"):
        meaning = "cash"
    elif word == "tax_optimization" and (line.figure("tax") or 0) > 0:
        meaning = "refund"
    yield from booked_rows(line, bookings, meaning)


FORMATS = [
    ReadFormat(name="trade_republic", title="Trade Republic", read=read, layouts=[_OWN, _PYTR]),
]
