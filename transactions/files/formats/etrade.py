"""E*TRADE: the transaction history, in its form before and since 2025. Pure.

A payment and a purchase out of it both are a `Dividend`; only the purchase has units. Dates are
mm/dd/yy. A symbol that begins with # names a position of cash.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, complete_year, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

_COLUMNS = {"symbol": ("Symbol",), "fee": ("Commission",), "note": ("Description",)}
_REQUIRED = frozenset({"date", "type", "symbol", "quantity", "amount", "price", "fee", "note"})
NEWER = Layout(
    name="since 2025",
    columns={
        **_COLUMNS,
        "date": ("Activity/Trade Date",),
        "type": ("Activity Type",),
        "cusip": ("Cusip",),
        "quantity": ("Quantity #",),
        "amount": ("Amount $",),
        "price": ("Price $",),
    },
    required=_REQUIRED,
    decimal=".",
    date_order="mdy",
)
OLDER = Layout(
    name="before 2025",
    columns={
        **_COLUMNS,
        "date": ("TransactionDate",),
        "type": ("TransactionType",),
        "class": ("SecurityType",),
        "quantity": ("Quantity",),
        "amount": ("Amount",),
        "price": ("Price",),
    },
    required=_REQUIRED | {"class"},
    decimal=".",
    date_order="mdy",
)
LAYOUTS = (NEWER, OLDER)
WORDS = {
    **dict.fromkeys(("bought", "buy"), "buy"),
    **dict.fromkeys(("sold", "sell", "redemption"), "sell"),
    **dict.fromkeys(("dividend", "qualified dividend", "non-qualified dividend"), "dividend"),
    **dict.fromkeys(("capital gain", "lt cap gain distribution"), "dividend"),
    **dict.fromkeys(("st cap gain distribution", "dividend reinvestment", "reinvest"), "dividend"),
    **dict.fromkeys(("interest", "interest income", "bank interest"), "interest"),
    **dict.fromkeys(("margin interest", "service fee", "fee", "adr fee"), "fee"),
    **dict.fromkeys(("foreign tax withheld", "tax withholding", "nra withholding"), "tax"),
    **dict.fromkeys(("transfer", "online transfer", "contribution", "distribution"), "transfer"),
    **dict.fromkeys(("wire", "wire in", "wire out", "direct debit", "direct deposit"), "moved"),
    **dict.fromkeys(("atm", "check", "bill payment", "debit card"), "moved"),
    **dict.fromkeys(("stock split", "split"), "split"),
    **dict.fromkeys(("reorganization", "merger", "spin-off", "reverse split"), "event_incomplete"),
    **dict.fromkeys(("exchange delivered out", "exchange received in"), "event_incomplete"),
    **dict.fromkeys(("bought to open", "sold to close", "option expired"), "option_not_supported"),
    **dict.fromkeys(("bought to close", "sold to open"), "option_not_supported"),
    **dict.fromkeys(("option expiration", "option assigned"), "option_not_supported"),
    **dict.fromkeys(("option exercised", "option assignment"), "option_not_supported"),
    **dict.fromkeys(("sold short", "bought to cover"), "short_sale_not_supported"),
}


def _meaning(line: Line) -> str:
    word = word_of(WORDS, line)
    text = line.text("note").upper()
    if line.text("class").upper() == "OPTN" or text.startswith(("PUT ", "CALL ")):
        return "option_not_supported"
    units = line.figure("quantity")
    if word == "dividend" and units:
        return "reinvested" if (line.figure("amount") or 0) < 0 else "event_incomplete"
    if word == "dividend" and line.text("symbol").startswith("#"):
        return "interest"
    if word == "transfer":
        return "units" if units and not line.figure("amount") else "moved"
    return word


FORMATS = [
    ReadFormat(
        name="etrade",
        title="E*TRADE",
        read=reader(
            History(
                layouts=LAYOUTS,
                meaning=_meaning,
                prefix="etrade",
                currency="USD",
                sale_costs=True,
                prepare=complete_year,
            )
        ),
        layouts=LAYOUTS,
        signatures=[
            {"transactiondate", "transactiontype", "securitytype", "symbol"},
            {"activity/trade date", "activity type", "quantity #", "amount $"},
        ],
    ),
]
