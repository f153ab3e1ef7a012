"""Nordnet's file of transactions, in Swedish, Norwegian, Danish and Finnish: tabs, UTF-16. Pure.

The amount includes all costs. The price is in the currency of the market, which the file does not
name: with an exchange rate, only the amount counts. A row with a date of cancellation is void.
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
    name="nordnet",
    columns={
        "id": ("Id",),
        "booked": ("Bokföringsdag", "Bokføringsdag", "Bogføringsdag", "Kirjauspäivä"),
        "date": ("Affärsdag", "Handelsdag", "Kauppapäivä"),
        "account": ("Depå", "Portefølje", "Depot", "Salkku"),
        "type": ("Transaktionstyp", "Transaksjonstype", "Transaktionstype", "Tapahtumatyyppi"),
        "name": ("Värdepapper", "Verdipapir", "Værdipapirer", "Arvopaperi"),
        "isin": ("ISIN",),
        "quantity": ("Antal", "Antall", "Määrä"),
        "price": ("Kurs", "Kurssi"),
        "fee": ("Total Avgift", "Totale Avgifter", "Samlede afgifter", "Kokonaiskulut"),
        "costs_currency": ("Valuta", "Valuutta"),
        "amount": ("Belopp", "Beløp", "Beløb", "Summa"),
        "currency": ("Valuta+1", "Valuutta+1"),
        "balance": ("Saldo",),
        "rate": ("Växlingskurs", "Vekslingskurs", "Vaihtokurssi"),
        "note": ("Transaktionstext", "Transaksjonstekst", "Tapahtumateksti"),
        "void": ("Makuleringsdatum", "Makuleringsdato", "Mitätöintipäivä"),
    },
    required=frozenset(
        {"id", "booked", "date", "type", "isin", "quantity", "price", "fee", "costs_currency"}
        | {"amount", "currency", "rate", "void"}
    ),
    numbers=("quantity", "price", "fee", "amount"),
    money={"amount": "currency", "fee": "costs_currency", "price": "currency"},
)
_BOOKINGS = Bookings(
    prefix="nordnet",
    layouts=[LAYOUT],
    costs=Costs.INCLUDED,
    words=words(
        buy=("KÖPT", "KJØPT", "KØBT", "OSTO"),
        sell=("SÅLT", "SALG", "SOLGT", "MYYNTI"),
        dividend=("UTDELNING", "UTBYTTE", "UDBYTTE", "OSINKO"),
        deposit=("INSÄTTNING", "INNSKUDD", "INDBETALING", "INDSÆTTELSE", "TALLETUS"),
        withdrawal=("UTTAG", "UTTAK", "HÆVNING", "NOSTO"),
        tax=("UTL KUPSKATT", "UTL. KUPSKATT", "KUPONGSKATT", "UDBYTTESKAT", "ENNAKKOPIDÄTYS"),
        event_incomplete=(
            *("BYTE INLÄGG VP", "BYTE UTTAG VP", "SPLIT INLÄGG VP", "SPLIT UTTAG VP"),
            *("BYTTE INNLEGG VP", "BYTTE UTTAK VP", "SPLITT INNLEGG VP", "SPLITT UTTAK VP"),
        ),
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    if line.text("void"):
        yield line.skip("taken_back", "The row has a date of cancellation.")
        return
    if (line.figure("rate") or 1) != 1:
        line.cells = {**line.cells, "price": ""}
    if line.figure("fee") and line.code("costs_currency") not in ("", line.code("currency")):
        yield line.refused("currency_invalid", "The costs are in another currency.", of="fee")
        return
    yield from booked_rows(line, bookings)


FORMATS = [ReadFormat(name="nordnet", title="Nordnet", read=read, layouts=[LAYOUT])]
