"""Swissquote's CSV of transactions, in English, German, French and Italian. Pure.

The last column is the currency of the account. Newer files state the net amount in the currency of
the trade as well as in that of the account. A purchase or sale bears the number of its order; the
costs of a dividend or of interest are the taxes withheld.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.bookings import Bookings, Costs, booked_rows, read_bookings, words
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

_COLUMNS = {
    "date": ("Date", "Datum", "Data"),
    "order_id": ("Order #", "Auftrag #", "Ordre #", "Ordine #", "N° d'ordre", "N. ordine"),
    "type": ("Transaction", "Transaktionen", "Transactions", "Transazioni", "Transazione"),
    "symbol": ("Symbol", "Symbole", "Simbolo"),
    "name": ("Name", "Nom", "Nome"),
    "isin": ("ISIN",),
    "quantity": ("Quantity", "Anzahl", "Quantité", "Quantità"),
    "price": ("Unit price", "Stückpreis", "Prix unitaire", "Prezzo unitario"),
    "fee": ("Costs", "Kosten", "Coûts", "Frais", "Costi"),
    "accrued": ("Accrued Interest", "Aufgelaufene Zinsen", "Intérêts courus", "Interessi maturati"),
    "balance": ("Balance", "Saldo", "Solde"),
    "amount": ("Net Amount", "Nettobetrag", "Montant net", "Importo netto"),
    "quoted": (
        *("Net Amount Currency", "Currency Net Amount", "Währung Nettobetrag"),
        *("Monnaie du montant net", "Devise du montant net", "Valuta importo netto"),
    ),
    "settled": (
        "Net Amount in *",
        "Nettobetrag in *",
        "Montant net dans *",
        "Importo netto nella *",
    ),
    "currency": ("Currency", "Währung", "Monnaie", "Devise", "Valuta"),
    "balance_currency": ("Currency", "Währung", "Monnaie", "Devise", "Valuta"),
}
_MONEY = dict.fromkeys(("price", "fee", "amount", "accrued"), "currency")
_REQUIRED = frozenset({"date", "order_id", "type", "quantity", "price", "fee", "amount"})
# The heading of the newer files: the net amount in two currencies.
_TWO = Layout(
    name="two currencies",
    columns={
        **{
            name: aliases
            for name, aliases in _COLUMNS.items()
            if name not in ("quoted", "currency")
        },
        "currency": _COLUMNS["quoted"],
        "settled_currency": _COLUMNS["currency"],
    },
    required=_REQUIRED | {"currency", "settled", "settled_currency"},
    optional=("accrued",),  # it is part of the amount
    numbers=("quantity", "price", "fee", "amount", "settled"),
    date_order="dmy",
    money={**_MONEY, "settled": "settled_currency"},
)
_ONE = Layout(
    name="one currency",
    columns=_COLUMNS,
    required=_REQUIRED | {"accrued", "currency"},
    optional=("quoted", "settled"),  # a file with one of them is read only if they say nothing else
    numbers=("quantity", "price", "fee", "amount"),
    date_order="dmy",
    money=_MONEY,
)
_BOOKINGS = Bookings(
    prefix="swissquote",
    layouts=(_TWO, _ONE),
    costs=Costs.INCLUDED,
    tax_of_income=True,
    unique=False,
    words=words(
        buy=("Buy", "Kauf", "Achat", "Acquisto"),
        sell=("Sell", "Verkauf", "Vente", "Vendita"),
        dividend=("Dividend", "Dividende", "Dividendo"),
        interest=(
            *("Interests", "Interest", "Zinsen", "Zinsen auf Einlagen", "Intérêts", "Interessi"),
        ),
        fee=(
            *("Custody Fees", "Depotgebühren", "Droits de garde", "Frais de garde"),
            *("Diritti di custodia", "Fees Tax Bookings", "Zinsen auf Belastungen"),
        ),
        cash=(
            *("Payment", "Zahlung", "Vergütung", "Versement", "Paiement", "Pagamento"),
            *("Credit", "Debit", "Auszahlung", "Crédit", "Débit", "Credito", "Debito"),
        ),
        fx_conversion=(
            *("Forex credit", "Forex debit", "Forex-Gutschrift", "Forex-Belastung"),
            *("Fx-Gutschrift Comp.", "Fx-Belastung Comp.", "Crédit Forex", "Débit Forex"),
            *("Fx credit Comp.", "Fx debit Comp.", "Credito Forex", "Debito Forex"),
        ),
        event_incomplete=(
            *("Reverse Split", "Split", "Merger", "Spin off", "Stock dividend", "Capital increase"),
            *(
                "Capital Gain",
                "Redemption",
                "Rückzahlung",
                "Internal exchange",
                "Interner Titelumtausch",
            ),
            *("Crypto Deposit", "Crypto Withdrawal"),
        ),
    ),
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    yield from read_bookings(data, options, _BOOKINGS, rows=_rows)


def _rows(line: Line, bookings: Bookings) -> Iterator[ParsedRow]:
    quoted, one = line.code("quoted"), "settled_currency" not in line.columns
    converted = line.figure("settled") not in (None, line.figure("amount"))
    if one and (converted or quoted not in ("", line.code("currency"))):
        yield line.refused("currency_missing", "The file lacks one of its currencies.", of="quoted")
    else:
        yield from booked_rows(line, bookings)


FORMATS = [ReadFormat(name="swissquote", title="Swissquote", read=read, layouts=(_TWO, _ONE))]
