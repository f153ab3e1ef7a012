"""Wealthsimple: the activities of accounts, and the monthly statement of one. Pure.

Amounts are signed and net, in the currency that was settled. A dividend and the purchase out of it
(`DRIP`) are two rows. Exchanges between the dollars of an account are skipped.

    statement   date, transaction, description, amount, balance, currency

There the description says what was traded, for how much, and on which day: `XEQT - iShares Core:
Bought 2.0000 shares at $38.10 per share (executed at 2026-06-02)`. A rate in it means that the
price is in another currency.
"""

import re

from core.currencies import CURRENCIES
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
    required=frozenset(
        {"date", "type", "subtype", "direction", "symbol", "currency", "quantity", "price", "fee"}
        | {"amount"}
    ),
    decimal=".",
    date_order="ymd",
)
STATEMENT = Layout(
    name="statement",
    columns={
        "date": ("date",),
        "code": ("transaction",),
        "note": ("description",),
        "amount": ("amount",),
        "balance": ("balance",),
        "currency": ("currency",),
        "balance_currency": ("currency",),
    },
    required=frozenset({"date", "code", "note", "amount", "balance", "currency"}),
    decimal=".",
    date_order="ymd",
)
_TRADED = re.compile(
    r"^(?:(?P<symbol>[A-Z0-9.]{1,12}) - )?(?P<name>.{0,120}?):? ?"
    r"(?:Bought|Sold|Purchase of|Sale of) (?P<units>[\d.,]{1,24}) "
    r"(?P<unit>[A-Za-z0-9]{1,12})(?: at \$(?P<price>[\d.,]{1,24}))?"
)
_NAMED = re.compile(r"^(?P<symbol>[A-Z0-9.]{1,12}) - ")
_EXECUTED = re.compile(r"executed at (\d{4}-\d\d-\d\d)")
CODES = {
    "buy": "buy",
    "sell": "sell",
    "div": "dividend",
    "nrt": "tax",
    "roc": "return_of_capital",
    **dict.fromkeys(("int", "fplint", "giveaway", "refer", "cashback", "affiliate"), "interest"),
    **dict.fromkeys(("fee", "hst", "mgmt_fee"), "fee"),
    **dict.fromkeys(("cont", "wd", "eft", "eftout", "trfin", "trfout", "e_trfin"), "moved"),
    **dict.fromkeys(("e_trfout", "aft_in", "aft_out", "spend", "p2p_sent"), "moved"),
    **dict.fromkeys(("loan", "recall"), "informational"),
    **dict.fromkeys(("stkdiv", "stkdis", "stksplit", "reorg", "mgr"), "event_incomplete"),
}
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


def _prepare(line: Line) -> None:
    """Take the trade and its day out of the description of a statement's row."""
    if "code" not in line.columns:
        return
    note, cells = line.text("note")[:300], dict(line.cells)
    if line.text("currency") not in CURRENCIES:  # a row of units has their symbol there
        cells["balance"] = ""
    if day := _EXECUTED.search(note):
        cells["date"] = day[1]
    if found := _TRADED.search(note):
        crypto = found["unit"] if found["symbol"] is None else ""
        cells |= {"symbol": found["symbol"] or crypto, "name": found["name"]}
        price = "" if "FX Rate" in note else found["price"] or ""
        cells |= {"quantity": found["units"], "price": price}
    elif named := _NAMED.match(note):
        cells["symbol"] = named["symbol"]
    line.cells = cells


def _meaning(line: Line) -> str:
    if "code" in line.columns:
        return word_of(CODES, line, "code")
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
        read=reader(
            History(
                layouts=[LAYOUT, STATEMENT],
                meaning=_meaning,
                prefix="wealthsimple",
                prepare=_prepare,
            )
        ),
        signatures=[
            {"transaction_date", "activity_type", "activity_sub_type", "net_cash_amount"},
            {"date", "transaction", "description", "amount", "balance", "currency"},
        ],
        layouts=[LAYOUT, STATEMENT],
    ),
]
