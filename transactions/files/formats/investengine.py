"""InvestEngine: the trading statement of an account in pounds. Pure.

    Security / ISIN, Transaction Type, Quantity, Share Price, Total Trade Value, Trade Date/Time,
    Settlement Date, Broker

Days are dd/mm/yy. The security is `Vanguard FTSE All-World / ISIN IE00BK5BQT80`. The file has
neither cash nor dividends; orders cost nothing.
"""

import re
from dataclasses import replace

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="investengine",
    columns={
        "security": ("Security / ISIN",),
        "type": ("Transaction Type",),
        "quantity": ("Quantity",),
        "price": ("Share Price",),
        "amount": ("Total Trade Value",),
        "date": ("Trade Date/Time",),
    },
    required=frozenset({"security", "type", "quantity", "price", "amount", "date"}),
    decimal=".",
    date_order="dmy",
)
_SHORT_YEAR = re.compile(r"(\d\d/\d\d/)(\d\d)( .{0,20})?")


def _prepare(line: Line) -> None:
    name, _, isin = line.text("security").rpartition(" / ISIN ")
    cells = {**line.cells, "name": name, "isin": isin}
    if day := _SHORT_YEAR.fullmatch(line.text("date")):
        cells["date"] = f"{day[1]}20{day[2]}{day[3] or ''}"
    line.cells = cells


FORMATS = [
    ReadFormat(
        name="investengine",
        title="InvestEngine",
        read=reader(
            History(
                layouts=[LAYOUT],
                meaning=lambda line: word_of({"buy": "buy", "sell": "sell"}, line),
                prefix="investengine",
                is_signed=False,
                currency="GBP",
                prepare=_prepare,
                amend=lambda line, about: replace(about, security=line.security()),
            )
        ),
        signatures=[{"security / isin", "transaction type", "total trade value"}],
        layouts=[LAYOUT],
    ),
]
