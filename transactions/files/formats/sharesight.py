"""Sharesight: the report of all trades. Pure.

Prices and brokerage are in the currency of the instrument; the value is in that of the portfolio
and is not read. Splits and other events do not state what they did and are refused.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="sharesight",
    columns={
        "market": ("Market", "Market Code"),
        "symbol": ("Code",),
        "name": ("Name",),
        "type": ("Type",),
        "date": ("Date",),
        "quantity": ("Quantity", "Qty"),
        "price": ("Price *", "Price"),
        "fee": ("Brokerage *", "Brokerage"),
        "currency": ("Currency", "Instrument Currency"),
        "fee_currency": ("Brokerage Currency",),
        "note": ("Comments",),
    },
    required=frozenset({"market", "symbol", "type", "date", "quantity", "price", "fee"}),
    # Which of them a file has depends on its country; brokerage without a currency is refused.
    optional=("currency", "fee_currency"),
    dates=("date",),
    decimal=".",
    money={"price": "currency", "fee": "fee_currency"},
)
WORDS = {
    "buy": "buy",
    "sell": "sell",
    "opening balance": "units",
    **dict.fromkeys(("split", "bonus", "consolidation", "merge (cancel)"), "event_incomplete"),
    **dict.fromkeys(("merge (buy)", "capital return", "return of capital"), "event_incomplete"),
    **dict.fromkeys(("cost base adjustment", "adjust cost base", "demerger"), "event_incomplete"),
}


def _meaning(line: Line) -> str:
    if line.text("symbol").casefold().startswith(("total", "grand total")):
        return "summary"
    paid_in = line.code("fee_currency")
    heading = line.columns.get("currency", "").casefold()
    stated = "fee_currency" in line.columns or heading == "currency"
    if line.figure("fee") and (not stated or paid_in not in ("", line.code("currency"))):
        return "event_incomplete"
    return word_of(WORDS, line)


FORMATS = [
    ReadFormat(
        name="sharesight",
        title="Sharesight",
        read=reader(
            History(layouts=[LAYOUT], meaning=_meaning, prefix="sharesight", is_signed=False)
        ),
        signatures=[
            {"market", "code", "type", "price *", "brokerage *"},
            {"market code", "code", "type", "brokerage", "instrument currency"},
        ],
        layouts=[LAYOUT],
    ),
]
