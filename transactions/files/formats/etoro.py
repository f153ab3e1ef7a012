"""eToro: the account activity, a sheet of its statement saved as CSV. Pure.

    Date, Type, Details, Amount, Units, Realized Equity Change, Realized Equity, Balance,
    Position ID, Asset type, NWA

Amounts are in the currency of the account, which the file does not name: dollars, unless the
options say otherwise. The details are `NKE/USD`. What a closed position brought is its amount; the
units are those closed. Contracts for difference are refused. Dividends are net of the tax.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, beginning_of, reader
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="etoro",
    columns={
        "date": ("Date",),
        "type": ("Type",),
        "details": ("Details",),
        "amount": ("Amount",),
        "quantity": ("Units",),
        "change": ("Realized Equity Change",),
        "balance": ("Balance",),
        "class": ("Asset type",),
    },
    required=frozenset({"date", "type", "details", "amount", "quantity", "change", "class"}),
    numbers=("amount", "quantity", "change"),
    date_order="dmy",
)
WORDS = {
    "open position": "buy",
    "position closed": "sell",
    "dividend": "dividend",
    **dict.fromkeys(("interest payment", "overnight refund"), "interest"),
    **dict.fromkeys(("withdraw fee", "withdrawal conversion fee", "conversion fee"), "fee"),
    **dict.fromkeys(("deposit conversion fee", "overnight fee", "weekend fee"), "fee"),
    **dict.fromkeys(("deposit", "transfer from"), "deposit"),
    **dict.fromkeys(("withdraw request", "transfer to"), "withdrawal"),
    "sdrt": "tax",
    **dict.fromkeys(("edit stop loss", "start copy", "stop copy", "account balance"), "journal"),
    **dict.fromkeys(
        ("corp action", "staking", "adjustment", "crypto transfer"), "event_incomplete"
    ),
}


def _prepare(line: Line) -> None:
    details = line.text("details")
    symbol = details.partition("/")[0] if "/" in details else ""
    line.cells = {**line.cells, "symbol": symbol, "currency": line.options.currency or "USD"}


def _meaning(line: Line) -> str:
    word = beginning_of(WORDS, line, "type")
    if word in ("buy", "sell", "dividend") and line.text("class").casefold() == "cfd":
        return "asset_class_not_supported"
    return word if line.figure("amount") or not word else "informational"


FORMATS = [
    ReadFormat(
        name="etoro",
        title="eToro",
        read=reader(
            History(
                layouts=[LAYOUT],
                meaning=_meaning,
                prefix="etoro",
                is_signed=False,
                prepare=_prepare,
            )
        ),
        signatures=[{"details", "units", "realized equity change", "position id"}],
        layouts=[LAYOUT],
    ),
]
