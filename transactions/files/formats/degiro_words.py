"""The words of DEGIRO's files, in their languages. Pure.

Dutch, English, German, French, Spanish, Italian, Portuguese, Polish and Czech: of each the trades,
their costs, taxes, and both sides of a conversion. A `*` in a heading stands for a variable part
(`Transactiekosten en/of kosten van derden EUR`), a `¤` for the code of a currency (`Wert EUR`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DATE = ("Datum", "Date", "Fecha", "Data")
_TIME = ("Tijd", "Time", "Uhrzeit", "Heure", "Hora", "Ora", "Czas", "Čas")
_PRODUCT = ("Product", "Produkt", "Produit", "Producto", "Prodotto", "Produto")
_ISIN = ("ISIN", "Code ISIN", "Código ISIN", "Codice ISIN")
_ORDER = (
    *("Order Id", "Order-ID", "ID Orden", "ID Ordre", "ID Ordine", "ID da Ordem"),
    *("Identyfikator zlecenia", "ID Zlecenia", "ID objednávky"),
)
_CHANGE = (
    *("Mutatie", "Change", "Änderung", "Mouvements", "Variación", "Variazioni", "Mudança"),
    *("Zmiana", "Změna"),
)
_BALANCE = ("Saldo", "Balance", "Solde", "Zůstatek")

ACCOUNT_COLUMNS: Mapping[str, Sequence[str]] = {
    "date": _DATE,
    "time": _TIME,
    # In Polish the second date has the name of the first.
    "value_date": (
        *("Valutadatum", "Value date", "Valuta", "Date de valeur", "Fecha valor"),
        *("Data+1", "Data waluty", "Datum valuty"),
    ),
    "name": _PRODUCT,
    "isin": _ISIN,
    "text": (
        *("Omschrijving", "Description", "Beschreibung", "Descripción", "Descrizione"),
        *("Descrição", "Opis", "Popis"),
    ),
    "rate": ("FX", "Tipo", "Tasso", "Taxa", "Kurs", "Kurz"),
    "currency": _CHANGE,
    "amount": tuple(f"{name}+1" for name in _CHANGE),
    "balance_currency": _BALANCE,
    "balance": tuple(f"{name}+1" for name in _BALANCE),
    "order_id": _ORDER,
    "order_next": tuple(f"{name}+1" for name in _ORDER),
}
_PRICE = (
    *("Koers", "Price", "Kurs", "Cours", "Precio", "Quotazione", "Prezzo", "Preço", "Preços"),
    "Cena",
)
_VALUE = ("Waarde", "Value", "Wert", "Montant", "Valor", "Valore", "Wartość", "Hodnota")
_FEE = (
    *("Transactiekosten*", "Transaction*", "Transaktions*", "Frais de courtage*"),
    *("Costes de transacción*", "Costi di transazione*", "Comissões de transação*"),
    *("Custos de transação*", "Gebühr", "Gebühr ¤", "Opłata transakcyjna*", "Transakční poplat*"),
)
_TOTAL = ("Totaal", "Total", "Gesamt", "Montant négocié", "Totale", "Razem", "Celkem")
TRANSACTION_COLUMNS: Mapping[str, Sequence[str]] = {
    "date": _DATE,
    "time": _TIME,
    "name": _PRODUCT,
    "isin": _ISIN,
    "quantity": ("Aantal", "Quantity", "Anzahl", "Quantité", "Número", "Quantità", "Quantidade")
    + ("Liczba", "Počet"),
    "price": _PRICE,
    "price_currency": tuple(f"{name}+1" for name in _PRICE),
    "value": (*_VALUE, *(f"{name} ¤" for name in _VALUE)),
    "value_currency": tuple(f"{name}+1" for name in _VALUE),
    "rate": (
        *("Wisselkoers", "Exchange rate", "Wechselkurs", "Taux de change", "Tipo de cambio"),
        *("Tasso di cambio", "Taxa de Câmbio", "Kurs wymiany", "Kurs wymian", "Směnný kurz"),
    ),
    "autofx": ("*AutoFX*",),
    "fee": _FEE,
    "total": (*_TOTAL, *(f"{name} ¤" for name in _TOTAL)),
    "total_currency": tuple(f"{name}+1" for name in _TOTAL),
    "order_id": _ORDER,
    "order_next": tuple(f"{name}+1" for name in _ORDER),
}

# Longer than any description; the text after this length is ignored.
_TEXT_CHARS_MAX = 300
_SIDES = {
    **dict.fromkeys(("koop", "buy", "kauf", "achat", "compra", "acquisto"), "buy"),
    **dict.fromkeys(("kupno", "zakup", "nákup"), "buy"),
    **dict.fromkeys(("verkoop", "sell", "verkauf", "vente", "venta", "vendita", "venda"), "sell"),
    **dict.fromkeys(("sprzedaż", "prodej"), "sell"),
}
_QUANTITY = re.compile(r"\d[\d.,']{0,30}(?: \d{3}(?!\w)){0,8}(?:[.,]\d{1,10})?")
_PAID = re.compile(
    r"(?P<price>[\d.,]{1,40}) (?P<currency>[A-Za-z]{3})(?: ?\((?P<isin>[A-Z0-9]{12})\))?"
)
# Between what was traded and its price: `Koop 25 @ 76,55 EUR`, `Kauf 25 zu je 11,51 EUR`.
_AT = re.compile(r" ?@ ?| (?:zu je|zu|à|a|at|tegen|por) ")


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
    word, _, rest = " ".join(text.split()).partition(" ")
    side = _SIDES.get(word.casefold())
    quantity = _QUANTITY.match(rest) if side else None
    if side is None or quantity is None:
        return None
    for at in reversed(list(_AT.finditer(rest))):
        if price := _PAID.fullmatch(rest[at.end() :]):
            return Fill(side, quantity[0], price["price"], price["currency"], price["isin"] or "")
    return None


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
            r"|zmiana produktu|změna produktu"
            r"|aandelensplitsing|spin.?off|fusie|merger|corporate action|claim",
        ),
        (
            "cost",
            r"transactiekosten|transaction and/or third|transaction costs|transaktionsgeb"
            r"|stamp duty|transactiebelasting|transaction tax|transaktionssteuer"
            r"|taxe sur les transactions|imposta sulle transazioni|impuesto sobre transacciones"
            r"|opłata transakcyjna|podatek od transakcji|transakční poplat|daň z transakc"
            r"|frais degiro de courtage|costes de transacci|costi di transazione"
            r"|(?:comiss.es|custos) de transa|(?:autofx|conversi).{0,40}autofx|autofx",
        ),
        (
            "fx",
            r"valuta (?:creditering|debitering)|fx (?:credit|debit|withdrawal|deposit)"
            r"|währungswechsel|konwersja walut|wymiana walut|konverze měny"
            r"|cambio de divisa|cambio (?:di )?valuta|opération de change"
            r"|(?:crédito|débito|levantamento|depósito|câmbio) de (?:divisa|moeda)",
        ),
        (
            "sweep",
            r"cash sweep|overboeking (?:van|naar) uw geld|transfer (?:from|to) your cash"
            r"|reservation|geldmarktfonds|money market fund|processed flatex"
            r"|überweisung .{0,60}flatex|konwersja funduszu|konverze peněžního fondu",
        ),
        (
            "tax",
            r"dividendbelasting|dividend tax|dividendensteuer|impôts sur dividende|retención"
            r"|podatek (?:dywidendowy|od dywidend)|daň z dividend|srážková daň"
            r"|ritenuta|imposta|imposto|withholding|quellensteuer|kapitalertragsteuer",
        ),
        (
            "return_of_capital",
            r"kapitaalsuitkering|capital return|return of capital|zwrot kapitału|vratka kapitálu",
        ),
        ("dividend", r"^dividend|^dywidenda|^divid\.|^ausschüttung|^distribuzione"),
        (
            "fee",
            r"aansluitingskosten|connection fee|einrichtung|frais de connexion|conectividad"
            r"|adr.{0,60}(?:fee|kosten)|giro exchange|kosten|gebühr|\bfees?\b|\bopłat|\bpoplat",
        ),
        ("interest", r"\brente\b|interest|zinsen|intérêt|interés|interessi|juros|odsetki|\búrok"),
        (
            "withdrawal",
            r"terugstorting|withdrawal|auszahlung|retrait|retirada|prelievo|levantamento|wypłata|výběr|výplata",
        ),
        (
            "deposit",
            r"deposit|storting|einzahlung|versement|ingreso|depósito|versamento|depozyt|wpłata|vklad",
        ),
    )
)
