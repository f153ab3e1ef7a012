"""Consorsbank: the list of orders (`Orderübersicht`) and that of cash (`Umsatzübersicht`). Pure.

    orders   Orderart;Orderdatum;Name;WKN;Stück/Nominal;Gültigkeit;Ordertyp;Handelsplatz;Status;
             Ausführungskurs, below the number of the depot; days are 28.10.21
    cash     Buchung;Valuta;Sender / Empfänger;IBAN / Konto-Nr.;BIC / BLZ;Buchungstext;
             Verwendungszweck;Betrag in EUR

Orders state neither costs nor a currency: a German venue trades in euros, an order at any other
needs the currency of the options. The list of cash names the security of a purchase (`Effekten`)
but not its units, so such a row is refused; payments are net of taxes that it does not state.
"""

import re
from collections.abc import Mapping

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, beginning_of, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

ORDERS = Layout(
    name="orders",
    columns={
        "type": ("Orderart",),
        "date": ("Orderdatum",),
        "name": ("Name",),
        "symbol": ("WKN",),
        "quantity": ("Stück/Nominal",),
        "venue": ("Handelsplatz",),
        "status": ("Status",),
        "price": ("Ausführungskurs",),
    },
    required=frozenset({"type", "date", "symbol", "quantity", "venue", "status", "price"}),
    decimal=",",
)
CASH = Layout(
    name="cash",
    columns={
        "date": ("Buchung",),
        "value_date": ("Valuta",),
        "type": ("Buchungstext",),
        "note": ("Verwendungszweck",),
        "amount": ("Betrag in EUR",),
    },
    required=frozenset({"date", "value_date", "type", "note", "amount"}),
    decimal=",",
)
_STATES = {
    "ausgeführt": "executed",
    **dict.fromkeys(("gestrichen", "gelöscht", "storniert", "verfallen"), "not_executed"),
    **dict.fromkeys(("abgelaufen", "abgelehnt", "offen", "vorgemerkt"), "not_executed"),
}
_ORDERS = {"kauf": "buy", "verkauf": "sell"}
_VENUES = re.compile(
    r"tradegate|xetra|frankfurt|stuttgart|euwax|münchen|berlin|düsseldorf|quotrix|hamburg|hannover"
    r"|gettex|lang & schwarz|baader|sparplan|fondsgesellschaft|bnp paribas|commerzbank"
)
_WORDS: Mapping[str, str] = {
    "effekten": "quantity_missing",
    **dict.fromkeys(("zinsen/dividende", "zinsen", "dividende", "abschluss"), "paid"),
    **dict.fromkeys(("überweisung", "euro-überweisung", "echtzeit", "dauerauftrag"), "moved"),
    **dict.fromkeys(("gutschrift", "lastschrift", "sepa", "umbuchung"), "moved"),
    **dict.fromkeys(("gebühr", "depotgebühr", "entgelt", "provision"), "fee"),
    **dict.fromkeys(("steuer", "kapitalertrag", "vorabpauschale"), "tax"),
}
_WKN = re.compile(r"\bWKN: ?([A-Z0-9]{6})\b")
_SHORT_YEAR = re.compile(r"(\d\d\.\d\d\.)(\d\d)")


def _prepare(line: Line) -> None:
    """Give a day its century, a security its name, and a euro amount its currency."""
    day = _SHORT_YEAR.fullmatch(line.text("date"))
    wkn = _WKN.search(line.text("note")[:200])
    cells = dict(line.cells)
    if day:
        cells["date"] = f"{day[1]}20{day[2]}"
    if wkn:
        cells["symbol"] = wkn[1]
    if "venue" not in line.columns or _VENUES.search(line.text("venue").casefold()[:80]):
        cells["currency"] = "EUR"
    line.cells = cells


def _meaning(line: Line) -> str:
    if "venue" not in line.columns:
        word = beginning_of(_WORDS, line, "type")
        if word == "paid":
            line.warn("costs_not_stated", of="amount")
            return "dividend" if line.text("symbol") else "interest"
        return word
    state = word_of(_STATES, line, "status")
    if state != "executed":
        return state or "value_invalid"
    line.warn("costs_not_stated", of="price")
    return word_of(_ORDERS, line)


FORMATS = [
    ReadFormat(
        name="consorsbank",
        title="Consorsbank",
        read=reader(
            History(
                layouts=[ORDERS, CASH], meaning=_meaning, prefix="consorsbank", prepare=_prepare
            )
        ),
        signatures=[
            {"orderart", "orderdatum", "wkn", "handelsplatz", "ausführungskurs"},
            {"buchung", "valuta", "buchungstext", "verwendungszweck", "betrag in eur"},
        ],
        layouts=[ORDERS, CASH],
    ),
]
