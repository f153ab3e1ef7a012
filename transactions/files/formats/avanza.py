"""Avanza's CSV of transactions: the price in the currency of the security. Pure.

The amount, in the currency of the account, includes the commission.
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
    name="avanza",
    columns={
        "date": ("Datum",),
        "account": ("Konto",),
        "type": ("Typ av transaktion",),
        "name": ("Värdepapper/beskrivning",),
        "note": ("Värdepapper/beskrivning",),
        "quantity": ("Antal",),
        "price": ("Kurs",),
        "amount": ("Belopp",),
        "currency": ("Transaktionsvaluta", "Valuta"),
        "fee": ("Courtage", "Courtage (SEK)"),
        "rate": ("Valutakurs",),
        "price_currency": ("Instrumentvaluta",),
        "isin": ("ISIN",),
    },
    required=frozenset(
        {
            "date",
            "account",
            "type",
            "name",
            "quantity",
            "price",
            "amount",
            "isin",
            "currency",
            "fee",
        }
    ),
    # Older files have neither; a price in another currency then contradicts the amount.
    optional=("price_currency", "rate"),
    numbers=("quantity", "price", "amount", "fee"),
    money={"amount": "currency", "fee": "currency", "price": "price_currency"},
)
_BOOKINGS = Bookings(
    prefix="avanza",
    layouts=[LAYOUT],
    costs=Costs.INCLUDED,
    words=words(
        buy=["Köp"],
        sell=["Sälj"],
        dividend=["Utdelning"],
        deposit=["Insättning"],
        withdrawal=["Uttag"],
        interest=("Ränta", "Inlåningsränta"),
        fee=["ADR-avgift"],
        tax=(
            *("Utländsk källskatt", "Preliminärskatt", "Preliminärskatt kapitalränta"),
            "Avkastningsskatt",
        ),
        units=["Värdepappersöverföring"],
        event_incomplete=["Övrigt"],
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    other = line.text("type") == "Övrigt" and line.text("name").startswith("Avkastningsskatt")
    yield from booked_rows(line, bookings, "tax" if other else None)


FORMATS = [
    ReadFormat(
        name="avanza",
        title="Avanza",
        read=read,
        signatures=[{"datum", "konto", "typ av transaktion", "värdepapper/beskrivning", "kurs"}],
        layouts=[LAYOUT],
    ),
]
