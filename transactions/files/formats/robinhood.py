"""Robinhood: the account activity. Pure.

    Activity Date, Process Date, Settle Date, Instrument, Description, Trans Code, Quantity, Price,
    Amount

The type is a code. The description has several lines, one of them the CUSIP; a purchase out of a
dividend says so there. A split states the added units.
"""

import re
from dataclasses import replace

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import History, reader, word_of
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import About
from transactions.files.reading.tables import Layout

LAYOUT = Layout(
    name="robinhood",
    columns={
        "date": ("Activity Date",),
        "symbol": ("Instrument",),
        "note": ("Description",),
        "type": ("Trans Code",),
        "quantity": ("Quantity",),
        "price": ("Price",),
        "amount": ("Amount",),
    },
    required=frozenset({"date", "symbol", "note", "type", "quantity", "price", "amount"}),
    decimal=".",
    date_order="mdy",
)
WORDS = {
    "buy": "buy",
    "sell": "sell",
    "cdiv": "dividend",
    "mdiv": "dividend",
    "dtax": "tax",
    **dict.fromkeys(("int", "slip", "gdbp", "mtch"), "interest"),
    **dict.fromkeys(("gold", "gmpc", "afee", "dfee", "fee", "mint"), "fee"),
    **dict.fromkeys(("ach", "rtp", "wire", "xent", "xent_cc", "futswp", "dcf"), "moved"),
    **dict.fromkeys(("itrf", "acati", "acato", "jnls"), "transfer"),
    "jnlc": "journaled",
    "spl": "split",
    **dict.fromkeys(("spr", "rec", "sdiv", "cil", "mrgs", "mrgr", "mrgc", "sxch", "nc"), "event"),
    **dict.fromkeys(("bto", "stc", "sto", "btc", "oexp", "oasgn", "oexcs"), "option"),
    **dict.fromkeys(("oexer", "oca"), "option"),
    "bcxl": "canceled_buy",
    "scxl": "canceled_sell",
}
_CUSIP = re.compile(r"\bCUSIP: ?([0-9A-Z]{9})\b")


def _meaning(line: Line) -> str:
    word = word_of(WORDS, line)
    if word == "buy" and "dividend reinvestment" in line.text("note").casefold():
        return "reinvested"
    if word == "transfer":
        return "units" if line.figure("quantity") else "moved"
    return {"event": "event_incomplete", "option": "option_not_supported"}.get(word, word)


def _amend(line: Line, about: About) -> About:
    found = _CUSIP.search(line.text("note")[:400])
    if not about.security or not found:
        return about
    name = line.text("note").partition("\n")[0].partition(" CUSIP:")[0].strip()
    return replace(about, security=replace(about.security, cusip=found[1], name=name[:80]))


FORMATS = [
    ReadFormat(
        name="robinhood",
        title="Robinhood",
        read=reader(
            History(
                layouts=[LAYOUT],
                meaning=_meaning,
                prefix="robinhood",
                currency="USD",
                sale_costs=True,
                amend=_amend,
            )
        ),
        layouts=[LAYOUT],
        signatures=[{"activity date", "instrument", "trans code", "amount"}],
    ),
]
