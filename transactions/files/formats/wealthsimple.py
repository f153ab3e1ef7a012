"""Wealthsimple: the activities of one or several accounts. Pure.

Amounts are signed and net, in the currency that was settled. A dividend and the purchase out of it
(`DRIP`) are two rows. Exchanges between the dollars of an account are skipped.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="wealthsimple",
    columns={
        "date": ("transaction_date",),
        "account": ("account_id",),
        "type": ("activity_type",),
        "subtype": ("activity_sub_type",),
        "direction": ("direction",),
        "symbol": ("symbol",),
        "name": ("name",),
        "currency": ("currency",),
        "quantity": ("quantity",),
        "price": ("unit_price",),
        "fee": ("commission",),
        "amount": ("net_cash_amount",),
    },
    required=frozenset({"date", "type", "subtype", "currency", "quantity", "amount"}),
    decimal=".",
    date_order="ymd",
)
TRADES = {
    "buy": "buy",
    "sell": "sell",
    "drip": "reinvested",
    **dict.fromkeys(("bto", "btc", "sto", "stc", "expiry"), "option_not_supported"),
    **dict.fromkeys(("assignment", "exercise"), "option_not_supported"),
}
WORDS = {
    "trade": "trade",
    "dividend": "dividend",
    "returnofcapital": "return_of_capital",
    **dict.fromkeys(("interest", "stocklendinginterest"), "interest"),
    **dict.fromkeys(("bonus", "promotion", "referral", "cashback"), "interest"),
    **dict.fromkeys(("fee", "managementfee", "interestcharge"), "fee"),
    **dict.fromkeys(("tax", "nonresidenttax", "withholdingtax"), "tax"),
    **dict.fromkeys(("moneymovement", "deposit", "withdrawal", "spend"), "moved"),
    "fxexchange": "fx_conversion",
    "stocklending": "informational",
    **dict.fromkeys(("assetmovement", "securitytransfer", "transfer"), "transfer"),
    **dict.fromkeys(("internalsecuritytransfer", "institutionaltransfer"), "transfer"),
    "corporateaction": "event_incomplete",
}


def _meaning(line: Line) -> str:
    word = word_of(WORDS, line)
    if word == "trade":
        word = word_of(TRADES, line, "subtype")
        is_short = line.text("direction").upper() == "SHORT" and word in ("buy", "sell")
        return "short_sale_not_supported" if is_short else word
    if word == "transfer":
        return "units" if line.text("symbol") and line.figure("quantity") else "moved"
    return word


FORMATS = [
    ReadFormat(
        name="wealthsimple",
        title="Wealthsimple",
        read=reader(History(layouts=[LAYOUT], meaning=_meaning, prefix="wealthsimple")),
        signatures=[{"transaction_date", "activity_type", "activity_sub_type", "net_cash_amount"}],
        layouts=[LAYOUT],
    ),
]
