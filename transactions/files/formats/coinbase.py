"""Coinbase: the transaction history. Pure.

    ID, Timestamp, Transaction Type, Asset, Quantity Transacted, Price Currency,
    Price at Transaction, Subtotal, Total (inclusive of fees and/or spread), Fees and/or Spread,
    Notes

Trades are booked by their total, because the price is the market's, before the spread. Rewards came
as units, worth their subtotal. A conversion of one coin into another states one value for both
sides, with the spread in it, and is refused. Signs differ by the age of a file.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, beginning_of, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="coinbase",
    columns={
        "id": ("ID",),
        "date": ("Timestamp",),
        "type": ("Transaction Type",),
        "symbol": ("Asset",),
        "quantity": ("Quantity Transacted",),
        "currency": ("Price Currency", "Spot Price Currency"),
        "amount": ("Total (inclusive of fees and/or spread)",),
        "fee": ("Fees and/or Spread",),
        "note": ("Notes",),
    },
    required=frozenset({"date", "type", "symbol", "quantity", "currency", "amount", "fee"}),
    decimal=".",
    date_order="ymd",
    money={"amount": "currency", "fee": "currency"},
)
WORDS = {
    **dict.fromkeys(("buy", "advanced trade buy", "advance trade buy"), "buy"),
    **dict.fromkeys(("sell", "advanced trade sell", "advance trade sell"), "sell"),
    **dict.fromkeys(("staking income", "rewards income", "reward income"), "reward"),
    **dict.fromkeys(("inflation reward", "learning reward", "coinbase earn"), "reward"),
    **dict.fromkeys(("incentives rewards payout", "subscription rebates"), "reward"),
    **dict.fromkeys(("receive", "exchange withdrawal", "pro withdrawal"), "arrived"),
    **dict.fromkeys(("send", "exchange deposit", "pro deposit"), "left"),
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "subscription": "fee",
    **dict.fromkeys(("retail staking transfer", "retail unstaking transfer"), "journal"),
    "vault withdrawal": "journal",
    **dict.fromkeys(("convert", "asset migration"), "event_incomplete"),
}
_OTHER_CLASSES = dict.fromkeys(("futures", "perpetual", "funding fee"), "asset_class_not_supported")


def _meaning(line: Line) -> str:
    word = word_of(WORDS, line) or beginning_of(_OTHER_CLASSES, line, "type")
    is_cash = line.code("symbol") == line.code("currency")
    if word == "reward":
        return "interest" if is_cash else "in_units"
    if word in ("arrived", "left"):
        moved = "deposit" if word == "arrived" else "withdrawal"
        return moved if is_cash else "units"
    return word


def _prepare(line: Line) -> None:
    """Give what left a sign, which older files do not state."""
    quantity = line.text("quantity")
    if word_of(WORDS, line) == "left" and quantity and not quantity.startswith("-"):
        line.cells = {**line.cells, "quantity": f"-{quantity}"}


FORMATS = [
    ReadFormat(
        name="coinbase",
        title="Coinbase",
        read=reader(
            History(
                layouts=[LAYOUT],
                meaning=_meaning,
                prefix="coinbase",
                is_signed=False,
                prepare=_prepare,
            )
        ),
        signatures=[{"timestamp", "transaction type", "asset", "quantity transacted"}],
        layouts=[LAYOUT],
    ),
]
