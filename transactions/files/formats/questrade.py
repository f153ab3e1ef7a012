"""Questrade: the activities of one or several accounts. Pure.

    Transaction Date, Settlement Date, Action, Symbol, Description, Quantity, Price, Gross Amount,
    Commission, Net Amount, Currency, Account #, Activity Type, Account Type

The kind of activity says what a row is; of a trade, the action. The net amount is signed. Splits
and dividends of units name an internal symbol and are refused.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="questrade",
    columns={
        "date": ("Transaction Date",),
        "action": ("Action",),
        "symbol": ("Symbol",),
        "note": ("Description",),
        "quantity": ("Quantity",),
        "price": ("Price",),
        "fee": ("Commission",),
        "amount": ("Net Amount",),
        "currency": ("Currency",),
        "account": ("Account #",),
        "type": ("Activity Type",),
    },
    required=frozenset(
        {
            "date",
            "action",
            "symbol",
            "note",
            "quantity",
            "price",
            "fee",
            "amount",
            "currency",
            "type",
        }
    ),
    decimal=".",
    date_order="ymd",
)
ACTIONS = {
    "buy": "buy",
    "sell": "sell",
    **dict.fromkeys(("short", "shrt", "cover", "covr"), "short_sale_not_supported"),
}
WORDS = {
    "trades": "trade",
    "dividends": "dividend",
    "dividend reinvestment": "reinvested",
    "interest": "interest",
    **dict.fromkeys(("fees and rebates", "fees"), "fee"),
    **dict.fromkeys(("deposits", "withdrawals", "deposits & withdrawals"), "moved"),
    **dict.fromkeys(("fx conversion", "fx conversions"), "fx_conversion"),
    "transfers": "transfer",
    "corporate actions": "event_incomplete",
}


def _meaning(line: Line) -> str:
    word = word_of(WORDS, line)
    text = line.text("note").upper()
    if text.startswith(("CALL ", "PUT ")) or line.text("symbol").upper().endswith(".OPT"):
        return "option_not_supported"
    if word == "trade":
        return word_of(ACTIONS, line, "action")
    if word == "transfer":
        return "units" if line.figure("quantity") else "moved"
    if word == "dividend" and "NON-RES TAX" in text:
        return "tax"
    if word == "dividend" and not line.figure("amount"):
        return "event_incomplete"
    if word == "dividend" and "RETURN OF CAPITAL" in text:
        return "return_of_capital"
    return word


FORMATS = [
    ReadFormat(
        name="questrade",
        title="Questrade",
        read=reader(History(layouts=[LAYOUT], meaning=_meaning, prefix="questrade")),
        signatures=[{"transaction date", "action", "net amount", "activity type"}],
        layouts=[LAYOUT],
    ),
]
