"""Directa SIM: the movements of an account, in euros. Pure.

    Data operazione, Data valuta, Tipo operazione, Ticker, Isin, Protocollo, Descrizione,
    Quantità, Importo euro, Importo Divisa, Divisa, Riferimento ordine

Each row has the cash that moved; commissions and taxes are rows of their own. The amount in another
currency stands beside that in euros. Prices are not stated.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.bookings import Bookings, Costs, booked_rows, read_bookings, words
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="directa",
    columns={
        "date": ("Data operazione",),
        "type": ("Tipo operazione",),
        "symbol": ("Ticker",),
        "isin": ("Isin",),
        "name": ("Descrizione",),
        "quantity": ("Quantità",),
        "amount": ("Importo euro",),
        "elsewhere": ("Importo Divisa",),
        "order_id": ("Riferimento ordine",),
    },
    required=frozenset({"date", "type", "quantity", "amount", "elsewhere"}),
    numbers=("quantity", "amount"),
    decimal=".",
    date_order="dmy",
)
_BOOKINGS = Bookings(
    prefix="directa",
    layouts=[LAYOUT],
    costs=Costs.INCLUDED,
    currency="EUR",
    words=words(
        buy=["Acquisto"],
        sell=["Vendita"],
        dividend=("Provento etf", "Dividendi", "Dividendo", "Provento fondo"),
        interest=("Cedola obb.", "Coupon certif.", "Interessi"),
        tax=(
            *("Rit.provento etf", "Rit.dividendi", "Rit.dividendo", "Rit.cedola obb."),
            *("Ritenuta su plusvalenza", "Rit.coupon certif.", "Ritenuta dividendi"),
        ),
        fee=("Commissioni", "Bolli", "Tobin tax", "Imposta di bollo", "Spese"),
        deposit=("Conferimento con bonifico", "Conferimento"),
        withdrawal=("Prelievo", "Prelievo con bonifico"),
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    if line.figure("quantity") == 0:
        line.cells = {**line.cells, "quantity": ""}
    yield from booked_rows(line, bookings)


FORMATS = [
    ReadFormat(
        name="directa",
        title="Directa",
        read=read,
        signatures=[{"data operazione", "tipo operazione", "isin", "importo euro"}],
        layouts=[LAYOUT],
    ),
]
