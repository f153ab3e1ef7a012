"""Parqet: the activities of a portfolio. Pure.

Amounts have no sign and are before fees and taxes. The tax on a sale is a row of its own, that on a
purchase is part of its cost. Dates and numbers are written as in the country of the user; the day
is that of the column `date`.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import is_isin
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="parqet",
    columns={
        "date": ("date",),
        "clock": ("time",),
        "type": ("type",),
        "account": ("broker",),
        "isin": ("identifier",),
        "symbol": ("symbol",),
        "name": ("holdingname",),
        "quantity": ("shares",),
        "price": ("price",),
        "amount": ("amount",),
        "fee": ("fee",),
        "tax": ("tax",),
        "currency": ("currency",),
    },
    required=frozenset(
        {"date", "type", "isin", "quantity", "price", "amount", "fee", "tax", "currency"}
    ),
    dates=("date",),
    numbers=("quantity", "price", "amount", "fee", "tax"),
    money=dict.fromkeys(("price", "amount", "fee", "tax"), "currency"),
)
WORDS = {
    "buy": "buy",
    "sell": "sell",
    "dividend": "dividend",
    "interest": "interest",
    "transferin": "units",
    "transferout": "units",
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "fee": "fee",
    "tax": "tax",
}


def _prepare(line: Line) -> None:
    """Join the day with its time, give units that left a sign, and tell a symbol from an ISIN."""
    cells = {**line.cells, "date": f"{line.text('date')} {line.text('clock')}".strip()}
    if line.text("type").casefold() == "transferout":
        cells["quantity"] = f"-{line.text('quantity').lstrip('-')}"
    if not is_isin(line.text("isin").upper()):
        cells |= {"symbol": line.text("isin"), "isin": ""}
    line.cells = cells


FORMATS = [
    ReadFormat(
        name="parqet",
        title="Parqet",
        read=reader(
            History(
                layouts=[LAYOUT],
                meaning=lambda line: word_of(WORDS, line),
                prefix="parqet",
                is_signed=False,
                gross=True,
                prepare=_prepare,
            )
        ),
        signatures=[{"datetime", "shares", "assettype", "identifier", "holdingname"}],
        layouts=[LAYOUT],
    ),
]
