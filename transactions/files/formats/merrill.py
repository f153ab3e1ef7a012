"""Merrill Edge: the transactions of one or several accounts, in two layouts. Pure.

The type is the beginning of a description. A reinvestment has three rows: the dividend, the cash
that leaves (`Reinvestment Program`) and the shares, which state their cost in their text or not at
all. Cash is in bank deposits: moves in and out of them are skipped.
"""

import re

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, beginning_of, reader
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

_SYMBOLS = ("Symbol/CUSIP #", "Symbol/ CUSIP", "Symbol/CUSIP")
_REQUIRED = frozenset({"date", "account", "type", "symbol", "quantity", "price", "amount"})
# The description has two columns, and what is pending is in the file.
DIVIDED = Layout(
    name="divided",
    columns={
        "date": ("Trade Date",),
        "status": ("Pending/Settled",),
        "account": ("Account #",),
        "type": ("Description 1",),
        "note": ("Description 2",),
        "symbol": _SYMBOLS,
        "quantity": ("Quantity",),
        "price": ("Price ($)",),
        "amount": ("Amount ($)",),
    },
    required=_REQUIRED | {"status", "note"},
    decimal=".",
    date_order="mdy",
)
WHOLE = Layout(
    name="whole",
    columns={
        "date": ("Trade Date",),
        "account": ("Account",),
        "type": ("Description",),
        "symbol": _SYMBOLS,
        "quantity": ("Quantity",),
        "price": ("Price",),
        "amount": ("Amount",),
    },
    required=_REQUIRED,
    decimal=".",
    date_order="mdy",
)
LAYOUTS = (DIVIDED, WHOLE)
# Beginnings of the description.
WORDS = {
    **dict.fromkeys(("purchase", "fractional share purchase"), "buy"),
    **dict.fromkeys(("sale", "fractional share sale"), "sell"),
    "reinvestment share": "reinvested",
    "reinvestment program": "part_of_another_row",
    **dict.fromkeys(("dividend", "foreign dividend", "qualified dividend"), "dividend"),
    **dict.fromkeys(("long term capital gain", "short term capital gain"), "dividend"),
    "return of capital": "return_of_capital",
    **dict.fromkeys(("bank interest", "interest", "bond interest"), "interest"),
    **dict.fromkeys(("advisory program fee", "fee", "adr fee", "margin interest"), "fee"),
    **dict.fromkeys(("foreign tax", "tax withh", "nonresident alien tax"), "tax"),
    **dict.fromkeys(("funds received", "funds transfer", "wire transfer", "direct dep"), "moved"),
    **dict.fromkeys(("current year contribution", "prior year contribution"), "moved"),
    **dict.fromkeys(("rollover", "check ", "electronic transfer"), "moved"),
    "deposit": "deposited",
    "withdrawal": "deposited",
    **dict.fromkeys(("deposit ml", "withdrawal ml", "check accumulation"), "sweep"),
    **dict.fromkeys(("stock split", "stock dividend"), "split"),
    **dict.fromkeys(("exchange", "merger", "spin-off", "redemption"), "event_incomplete"),
    **dict.fromkeys(("option", "sale-option", "purchase-option"), "option_not_supported"),
}
# Deposits of the account's cash at the bank.
_DEPOSITS = frozenset({"990156937", "990286916", "IIAXX"})
_COST = re.compile(r"REINV AM(?:OUN)?T \$?([0-9,]{1,12}\.\d\d)")


def _prepare(line: Line) -> None:
    """Give the shares of a reinvestment the amount that their text states."""
    text = f"{line.text('type')} {line.text('note')}"[:400]
    found = _COST.search(text.upper())
    if found and not line.figure("amount"):
        stated = found[1].replace(",", "").replace(".", line.decimal)  # a text keeps the point
        line.cells = {**line.cells, "amount": f"-{stated}"}


def _meaning(line: Line) -> str:
    if line.text("status").casefold() == "pending":
        return "not_executed"
    word = beginning_of(WORDS, line, "type")
    if line.text("symbol").upper() in _DEPOSITS:
        return {"dividend": "interest", "interest": "interest"}.get(word, "sweep")
    return "moved" if word == "deposited" else word


FORMATS = [
    ReadFormat(
        name="merrill",
        title="Merrill Edge",
        read=reader(
            History(
                layouts=LAYOUTS,
                meaning=_meaning,
                prefix="merrill",
                currency="USD",
                sale_costs=True,
                prepare=_prepare,
            )
        ),
        layouts=LAYOUTS,
        signatures=[
            {"trade date", "description 1", "symbol/cusip #", "amount ($)"},
            {"trade date", "settlement date", "account", "symbol/ cusip"},
        ],
    ),
]
