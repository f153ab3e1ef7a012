"""Words by which headings and types of unknown tables are guessed, in several languages. Pure."""

from collections.abc import Mapping, Sequence

from transactions.files.reading.interface import CASH_BY_SIGN, TRADE_BY_SIGN

# The words of a heading for each field, in the order in which columns are given away.
FIELD_WORDS: Mapping[str, Sequence[str]] = {
    "executed_at": (
        *("executed_at", "trade date", "date", "transaction date", "activity date", "datum", "tag"),
        *("buchungstag", "buchungsdatum", "handelstag", "fecha", "data", "date de transaction"),
        *("valuta", "day", "time", "timestamp", "datetime"),
    ),
    "type": (
        *("type", "transaction type", "activity", "action", "activity type", "buy/sell", "side"),
        *("typ", "art", "vorgang", "buchungsart", "umsatzart", "opération", "operation", "tipo"),
        *("transaction", "kind", "soort", "transaktionstyp", "direction"),
    ),
    "isin": ("isin", "isin code"),
    "cusip": ("cusip",),
    "symbol": ("symbol", "ticker", "ticker symbol", "code", "instrument", "wkn", "stock"),
    "quantity": (
        *("quantity", "shares", "units", "qty", "no. of shares", "stück", "anzahl", "menge"),
        *("nominal", "quantité", "cantidad", "quantità", "aantal", "antal", "volume"),
    ),
    "price": (
        *("price", "unit price", "price per share", "price / share", "share price", "kurs"),
        *("preis", "stückpreis", "cours", "prix", "precio", "prezzo", "koers", "rate"),
    ),
    "fee": (
        *("fee", "fees", "commission", "commissions", "charges", "gebühr", "gebühren", "kosten"),
        *("provision", "frais", "comisión", "commissioni", "brokerage", "courtage"),
    ),
    "debit": ("debit", "soll", "débit", "out", "paid out", "withdrawals", "money out", "belastung"),
    "credit": (
        *("credit", "haben", "crédit", "in", "paid in", "deposits", "money in", "gutschrift"),
    ),
    "amount": (
        *("amount", "net amount", "total", "value", "betrag", "summe", "umsatz", "montant"),
        *("importe", "importo", "bedrag", "belopp", "cash", "cash amount", "total amount"),
        *("gross amount", "proceeds", "consideration", "gesamt", "kurswert"),
    ),
    "balance": ("balance", "running balance", "cash balance", "saldo", "kontostand", "solde"),
    "currency": ("currency", "ccy", "währung", "devise", "moneda", "valuta code", "curr"),
    "fx_rate": ("fx_rate", "exchange rate", "fx rate", "wechselkurs", "devisenkurs"),
    "name": (
        *("name", "security", "security name", "company", "wertpapier", "bezeichnung", "produkt"),
        *("titre", "instrument name", "asset", "product"),
    ),
    "external_id": ("id", "reference", "transaction id", "referenz", "order id", "trade id"),
    "account": ("account", "account name", "account number", "konto", "depot", "compte"),
    "note": (
        *("note", "notes", "comment", "memo", "description", "details", "verwendungszweck"),
        *("notiz", "libellé", "text", "buchungstext", "descripción", "omschrijving"),
    ),
}

# The beginnings of words for each type; the longest one that fits counts.
TYPE_WORDS: Mapping[str, Sequence[str]] = {
    "buy": ("buy", "bought", "purchase", "kauf", "achat", "compra", "acquisto", "koop", "köp"),
    "sell": ("sell", "sold", "sale", "verkauf", "vente", "venta", "vendita", "verkoop", "sälj"),
    "dividend": ("dividend", "div", "ausschüttung", "ertrag", "dividende", "cash dividend"),
    "reinvestment": ("reinvest", "drip", "dividend reinvest", "wiederanlage"),
    "interest": ("interest", "zins", "intérêt", "interés", "rente", "ränta", "coupon"),
    "deposit": (
        *("deposit", "einzahlung", "einlage", "versement", "contribution", "cash in", "top-up"),
        *("ingreso", "wire in", "ach in", "funding"),
    ),
    "withdrawal": (
        *("withdraw", "auszahlung", "entnahme", "retrait", "removal", "cash out", "wire out"),
        *("retirada", "ach out"),
    ),
    "fee": ("fee", "gebühr", "entgelt", "commission", "frais", "custody", "charge", "depotgeb"),
    "tax": ("tax", "steuer", "withholding", "impôt", "kapitalertragsteuer", "quellensteuer"),
    "split": ("split", "aktiensplit", "stock split", "reverse split"),
    "transfer_in": ("transfer in", "delivery in", "einlieferung", "transfer_in", "received"),
    "transfer_out": ("transfer out", "delivery out", "auslieferung", "transfer_out"),
    "spin_off": ("spin-off", "spin off", "spinoff", "abspaltung"),
    "merger": ("merger", "fusion", "acquisition"),
    "return_of_capital": ("return of capital", "kapitalrückzahlung"),
    TRADE_BY_SIGN: ("trade", "order", "execution", "handel"),
    CASH_BY_SIGN: (
        "transfer",
        "überweisung",
        "cash transfer",
        "wire",
        "payment",
        "ach",
        "virement",
    ),
}
