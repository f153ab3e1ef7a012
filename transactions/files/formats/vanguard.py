"""Vanguard: the transactions of brokerage accounts, below the holdings or alone. Pure.

The download begins with a block of holdings, which the search for the heading passes over. Cash is
in the settlement fund: moves in and out of it are skipped, and its dividends are interest.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="vanguard",
    columns={
        "account": ("Account Number",),
        "date": ("Trade Date",),
        "type": ("Transaction Type",),
        "note": ("Transaction Description",),
        "name": ("Investment Name",),
        "symbol": ("Symbol",),
        "quantity": ("Shares",),
        "price": ("Share Price",),
        "fee": ("Commissions and Fees", "Commission Fees", "Commission"),
        "amount": ("Net Amount",),
        "accrued": ("Accrued Interest",),
    },
    required=frozenset({"date", "type", "name", "symbol", "quantity", "price", "fee", "amount"}),
    optional=("accrued",),  # without it, a bond's amount does not fit its price
    decimal=".",
    date_order="mdy",
    heading_rows=2_000,
)
_HOLDINGS = b"account number,investment name,symbol,shares,share price,total value"
WORDS = {
    **dict.fromkeys(("buy", "buy (exchange)", "exchange (in)"), "buy"),
    **dict.fromkeys(("sell", "sell (exchange)", "exchange (out)", "redemption"), "sell"),
    **dict.fromkeys(("reinvestment", "reinvestment (lt gain)"), "reinvested"),
    **dict.fromkeys(("reinvestment (st gain)", "dividend reinvestment"), "reinvested"),
    **dict.fromkeys(("dividend", "capital gain (lt)", "capital gain (st)"), "dividend"),
    "return of capital": "return_of_capital",
    "interest": "interest",
    **dict.fromkeys(("fee", "account service fee", "advisory fee", "adr fee"), "fee"),
    **dict.fromkeys(("foreign tax paid", "foreign tax withholding"), "tax"),
    **dict.fromkeys(("funds received", "funds disbursed", "contribution", "distribution"), "moved"),
    **dict.fromkeys(("withdrawal", "rollover (incoming)", "rollover (outgoing)"), "moved"),
    **dict.fromkeys(("sweep in", "sweep out"), "sweep"),
    **dict.fromkeys(("transfer (incoming)", "transfer (outgoing)"), "transfer"),
    **dict.fromkeys(("stock split", "split"), "split"),
    **dict.fromkeys(("merger", "spin-off", "corp action (redemption)"), "event_incomplete"),
    **dict.fromkeys(("conversion (incoming)", "conversion (outgoing)"), "event_incomplete"),
    **dict.fromkeys(("buy to open", "sell to close", "sell to open"), "option_not_supported"),
    **dict.fromkeys(("buy to close", "assignment", "expired"), "option_not_supported"),
    **dict.fromkeys(("sell short", "buy to cover"), "short_sale_not_supported"),
}


def _meaning(line: Line) -> str:
    word = word_of(WORDS, line)
    if word == "transfer":
        return "units" if line.figure("quantity") else "moved"
    return word


def _is_head(head: bytes) -> bool:
    """Return whether the block of holdings begins the file, however long it is."""
    return head[:200].lower().lstrip(b"\xef\xbb\xbf \r\n").startswith(_HOLDINGS)


FORMATS = [
    ReadFormat(
        name="vanguard",
        title="Vanguard",
        read=reader(
            History(
                layouts=[LAYOUT],
                meaning=_meaning,
                prefix="vanguard",
                currency="USD",
                funds={"VMFXX"},
            )
        ),
        is_head=_is_head,
        layouts=[LAYOUT],
        signatures=[{"trade date", "transaction type", "investment name", "share price"}],
    ),
]
