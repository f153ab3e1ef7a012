"""The words of DEGIRO's files, in their languages. Pure.

Dutch, English, German, French, Spanish, Italian and Portuguese. A `*` in a heading stands for a
variable part (`Transactiekosten en/of kosten van derden EUR`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DATE = ("Datum", "Date", "Fecha", "Data")
_TIME = ("Tijd", "Time", "Uhrzeit", "Heure", "Hora", "Ora")
_PRODUCT = ("Product", "Produkt", "Produit", "Producto", "Prodotto", "Produto")
_ORDER = ("Order Id", "Order-ID", "ID Orden", "ID Ordre", "ID Ordine", "ID da Ordem")
_CHANGE = ("Mutatie", "Change", "Änderung", "Mouvements", "Variación", "Variazioni", "Mudança")

ACCOUNT_COLUMNS: Mapping[str, Sequence[str]] = {
    "date": _DATE,
    "time": _TIME,
    "value_date": ("Valutadatum", "Value date", "Valuta", "Date de valeur", "Fecha valor"),
    "name": _PRODUCT,
    "isin": ("ISIN",),
    "text": (
        *("Omschrijving", "Description", "Beschreibung", "Descripción", "Descrizione"),
        "Descrição",
    ),
    "rate": ("FX", "Tipo", "Tasso"),
    "currency": _CHANGE,
    "amount": tuple(f"{name}+1" for name in _CHANGE),
    "order_id": _ORDER,
}
_PRICE = ("Koers", "Price", "Kurs", "Cours", "Precio", "Quotazione", "Preço")
_VALUE = ("Waarde", "Value", "Wert", "Montant", "Valor", "Valore")
_FEE = (
    *("Transactiekosten*", "Transaction*", "Transaktions*", "Frais de courtage*", "Costes de*"),
    *("Costi di*", "Comissões*", "Gebühr*"),
)
_TOTAL = ("Totaal", "Total", "Gesamt", "Montant négocié", "Totale")
TRANSACTION_COLUMNS: Mapping[str, Sequence[str]] = {
    "date": _DATE,
    "time": _TIME,
    "name": _PRODUCT,
    "isin": ("ISIN",),
    "quantity": ("Aantal", "Quantity", "Anzahl", "Quantité", "Número", "Quantità", "Quantidade"),
    "price": _PRICE,
    "price_currency": tuple(f"{name}+1" for name in _PRICE),
    "value": (*_VALUE, *(f"{name} *" for name in _VALUE)),
    "value_currency": tuple(f"{name}+1" for name in _VALUE),
    "rate": ("Wisselkoers", "Exchange rate", "Wechselkurs", "Taux de change", "Tipo de cambio"),
    "autofx": ("AutoFX*",),
    "fee": _FEE,
    "total": (*_TOTAL, *(f"{name} *" for name in _TOTAL)),
    "total_currency": tuple(f"{name}+1" for name in _TOTAL),
    "order_id": _ORDER,
}

# Longer than any description; the text after this length is ignored.
_TEXT_CHARS_MAX = 300
_SIDES = {
    **dict.fromkeys(("koop", "buy", "kauf", "achat", "compra", "acquisto"), "buy"),
    **dict.fromkeys(("verkoop", "sell", "verkauf", "vente", "venta", "vendita", "venda"), "sell"),
}
_QUANTITY = re.compile(r"\d[\d.,']{0,30}(?: \d{3}(?!\w)){0,8}(?:[.,]\d{1,10})?")
_PAID = re.compile(
    r"(?P<price>[\d.,]{1,40}) (?P<currency>[A-Za-z]{3})(?: ?\((?P<isin>[A-Z0-9]{12})\))?"
)


@dataclass(frozen=True, slots=True)
class Fill:
    """The data in the description of a trade: `Koop 25 VANGUARD FTSE@76,55 EUR (IE00B3RBWM25)`."""

    side: str
    quantity: str
    price: str
    currency: str
    isin: str


def fill_of(text: str) -> Fill | None:
    """Return the trade a description states; None if it describes something else."""
    if len(text) > _TEXT_CHARS_MAX:
        return None
    said, _, paid = " ".join(text.split()).rpartition("@")
    word, _, rest = said.partition(" ")
    side = _SIDES.get(word.casefold())
    if side is None:
        return None
    quantity, price = _QUANTITY.match(rest), _PAID.fullmatch(paid.strip())
    if quantity is None or price is None:
        return None
    return Fill(side, quantity[0], price["price"], price["currency"], price["isin"] or "")


def kind_of(text: str) -> str:
    """Return the kind of a row of the account statement by its description; empty if unknown."""
    if fill_of(text) is not None:
        return "trade"
    text = text[:_TEXT_CHARS_MAX]
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "")


# The first pattern found in the text decides.
_KINDS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "event",
            r"productwijziging|product change|produktwechsel|isin.change|stock split|split\b"
            r"|aandelensplitsing|spin.?off|fusie|merger|corporate action|claim",
        ),
        (
            "cost",
            r"transactiekosten|transaction and/or third|transaction costs|transaktionsgeb"
            r"|frais degiro de courtage|costes de transacci|costi di transazione"
            r"|comiss.es de transa",
        ),
        (
            "fx",
            r"valuta (?:creditering|debitering)|fx (?:credit|debit)|währungswechsel"
            r"|cambio de divisa|cambio valuta|opération de change|(?:crédito|débito) de divisa",
        ),
        (
            "sweep",
            r"cash sweep|overboeking (?:van|naar) uw geld|transfer (?:from|to) your cash"
            r"|reservation|geldmarktfonds|money market fund|processed flatex"
            r"|überweisung .{0,60}flatex",
        ),
        (
            "tax",
            r"dividendbelasting|dividend tax|dividendensteuer|impôts sur dividende|retención"
            r"|ritenuta|imposto|withholding",
        ),
        ("return_of_capital", r"kapitaalsuitkering|capital return|return of capital"),
        ("dividend", r"^dividend|^divid\."),
        (
            "fee",
            r"aansluitingskosten|connection fee|einrichtung|frais de connexion|conectividad"
            r"|adr.{0,60}(?:fee|kosten)|giro exchange|kosten|gebühr|\bfees?\b",
        ),
        ("interest", r"\brente\b|interest|zinsen|intérêt|interés|interessi|juros"),
        (
            "withdrawal",
            r"terugstorting|withdrawal|auszahlung|retrait|retirada|prelievo|levantamento",
        ),
        ("deposit", r"deposit|storting|einzahlung|versement|ingreso|depósito|versamento"),
    )
)
