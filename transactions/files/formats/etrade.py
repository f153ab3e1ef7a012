"""E*TRADE: the transaction history, in its form before and since 2025. Pure.

A payment and a purchase out of it both are a `Dividend`; only the purchase has units. Dates are
mm/dd/yy. A symbol that begins with # names a position of cash.
"""

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, complete_year, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="etrade",
    columns={
        "date": ("TransactionDate", "Activity/Trade Date"),
        "type": ("TransactionType", "Activity Type"),
        "class": ("SecurityType",),
        "symbol": ("Symbol",),
        "cusip": ("Cusip",),
        "quantity": ("Quantity", "Quantity #"),
        "amount": ("Amount", "Amount $"),
        "price": ("Price", "Price $"),
        "fee": ("Commission",),
        "note": ("Description",),
    },
    required=frozenset({"date", "type", "symbol", "quantity", "amount", "price"}),
    decimal=".",
    date_order="mdy",
)
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
                layouts=[LAYOUT],
                meaning=_meaning,
                prefix="etrade",
                currency="USD",
                sale_costs=True,
                prepare=complete_year,
            )
        ),
        layouts=[LAYOUT],
        signatures=[
            {"transactiondate", "transactiontype", "securitytype", "symbol"},
            {"activity/trade date", "activity type", "quantity #", "amount $"},
        ],
    ),
]
