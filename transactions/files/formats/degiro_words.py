"""What DEGIRO calls things, in the languages its files come in. Pure.

Dutch, English, German, French, Spanish, Italian and Portuguese. A `*` in a heading stands for what
varies (`Transactiekosten en/of kosten van derden EUR`).
"""

import re
from collections.abc import Mapping, Sequence

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

TRADE = re.compile(
    r"(?i)^(?:(?P<buy>Koop|Buy|Kauf|Achat|Compra|Acquisto)|"
    r"(?P<sell>Verkoop|Sell|Verkauf|Vente|Venta|Vendita|Venda))\s+"
    r"(?P<quantity>[\d.,'\s]*\d)\s*(?P<name>.*?)\s*@\s*(?P<price>[\d.,]+)\s+"
    r"(?P<currency>[A-Za-z]{3})(?:\s*\((?P<isin>[A-Z0-9]{12})\))?\s*$"
)
# The first that is found in the text counts.
KINDS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
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
            r"|reservation|geldmarktfonds|money market fund|processed flatex|überweisung .*flatex",
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
            r"|adr.*(?:fee|kosten)|giro exchange|kosten|gebühr|\bfees?\b",
        ),
        ("interest", r"\brente\b|interest|zinsen|intérêt|interés|interessi|juros"),
        (
            "withdrawal",
            r"terugstorting|withdrawal|auszahlung|retrait|retirada|prelievo|levantamento",
        ),
        ("deposit", r"deposit|storting|einzahlung|versement|ingreso|depósito|versamento"),
    )
)
