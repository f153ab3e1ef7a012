"""flatex: the list of a depot (`Depotumsätze`) and that of its cash (`Kontoumsätze`). Pure.

    depot   Buchungstag;Valuta;Bezeichnung;ISIN;Nominal (Stk.);;Betrag;;Kurs;;Devisenkurs;
            TA.-Nr.;Buchungsinformation
    older   Nummer;Buchtag;Valuta;ISIN;Bezeichnung;Nominal;;Buchungsinformationen;TA-Nr.;Kurs;;Depot
    cash    Buchtag;Valuta;BIC / BLZ;IBAN / Kontonummer;Buchungsinformationen;TA-Nr.;Betrag;;
            Auftraggeberkonto;Konto

Units and currencies have no heading. The text says what a row is; `Storno` takes back an earlier
row. The depot's list states no costs. The list of cash has the amount of a trade with its costs but
not its units, so such a row is refused.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import is_isin
from transactions.files.reading.histories import History, reader
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

_DEPOT = {
    "isin": ("ISIN",),
    "name": ("Bezeichnung",),
    "price": ("Kurs",),
    "price_currency": ("Kurs+1",),
}
_REQUIRED = frozenset({"date", "isin", "quantity", "price", "price_currency", "note", "id"})
DEPOT = Layout(
    name="depot",
    columns={
        **_DEPOT,
        "date": ("Buchungstag",),
        "quantity": ("Nominal (Stk.)",),
        "total": ("Betrag",),
        "total_currency": ("Betrag+1",),
        "note": ("Buchungsinformation",),
        "id": ("TA.-Nr.",),
    },
    required=_REQUIRED | {"total", "total_currency"},
    decimal=",",
)
# What was settled in another currency is not in the older list.
OLDER_DEPOT = Layout(
    name="older depot",
    columns={
        **_DEPOT,
        "date": ("Buchtag",),
        "quantity": ("Nominal",),
        "note": ("Buchungsinformationen",),
        "id": ("TA-Nr.",),
    },
    required=_REQUIRED,
    decimal=",",
)
CASH = Layout(
    name="cash",
    columns={
        "date": ("Buchtag", "Buchungstag"),
        "note": ("Buchungsinformationen", "Buchungsinformation"),
        "amount": ("Betrag",),
        "currency": ("Betrag+1",),
        "id": ("TA.-Nr.", "TA-Nr."),
        "account": ("Konto",),
    },
    required=frozenset({"date", "note", "amount", "currency", "id", "account"}),
    decimal=",",
)
LAYOUTS = (DEPOT, OLDER_DEPOT, CASH)
# The first of the words that a text contains.
_OF_CASH = (
    *(("order kauf", "quantity_missing"), ("order verkauf", "quantity_missing")),
    *(("uebertrag", "moved"), ("übertrag", "moved")),
    *(("dividende", "dividend"), ("ausschüttung", "dividend"), ("ertrag", "dividend")),
    *(("zins", "interest"), ("steuer", "tax"), ("gebühr", "fee"), ("entgelt", "fee")),
    *(("überweisung", "moved"), ("einzahlung", "moved")),
    *(("auszahlung", "moved"), ("lastschrift", "moved"), ("gutschrift", "moved")),
)


def _prepare(line: Line) -> None:
    cells = dict(line.cells)
    if "quantity" in line.columns:
        settled = line.code("total_currency") or line.code("price_currency")
        # The sign of a total is that of the units.
        sign = "-" if "order kauf" in line.text("note").casefold() else ""
        total = line.text("total").lstrip("-")
        cells |= {"currency": settled, "amount": f"{sign}{total}" if total else ""}
        if settled != line.code("price_currency"):
            cells["price"] = ""
    else:
        found = [word for word in line.text("note")[:200].split() if is_isin(word)]
        cells["isin"] = found[0] if found else ""
    line.cells = cells


def _meaning(line: Line) -> str:
    text = line.text("note").casefold()
    if "quantity" not in line.columns:
        back = "correction_not_supported" if text.startswith("storno") else ""
        return back or next((meaning for word, meaning in _OF_CASH if word in text), "")
    word = "sell" if "order verkauf" in text else "buy" if "order kauf" in text else ""
    if word:
        line.warn("costs_not_stated", of="price")
        return f"canceled_{word}" if text.startswith("storno") else word
    return "informational" if "lagerstellenwechsel" in text else "event_incomplete"


FORMATS = [
    ReadFormat(
        name="flatex",
        title="flatex",
        read=reader(
            History(
                layouts=LAYOUTS,
                meaning=_meaning,
                prefix="flatex",
                gross=True,
                prepare=_prepare,
            )
        ),
        signatures=[
            {"buchungstag", "nominal (stk.)", "kurs", "ta.-nr.", "buchungsinformation"},
            {"buchtag", "nominal", "buchungsinformationen", "ta-nr.", "depot"},
            {"buchtag", "buchungsinformationen", "ta-nr.", "betrag", "auftraggeberkonto"},
        ],
        layouts=LAYOUTS,
    ),
]
