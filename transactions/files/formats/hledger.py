"""hledger: `hledger print -O csv`, and its register with all postings of a transaction. Pure.

    txnidx, date, date2, status, code, description, comment, account, amount, commodity, credit,
    debit, posting-status, posting-comment
    txnidx, date, code, description, account, amount, total

Rows of one `txnidx` are one transaction (`postings`). Neither file has the cost or the price of
units: a trade is booked by the cash it moved. A register that leaves postings out is refused where
the others do not explain the cash. In the register the commodity stands beside the amount.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import number
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.postings import COMMODITIES, Books, Posting, rows_of
from transactions.files.reading.tables import Layout, open_table

LAYOUT = Layout(
    name="hledger",
    columns={
        **{name: (name,) for name in ("txnidx", "date", "account", "amount", "commodity")},
        "note": ("description",),
    },
    required=frozenset({"txnidx", "date", "note", "account", "amount"}),
    optional=("commodity",),  # of a register it stands beside the amount
    numbers=("amount",),
    date_order="ymd",
)
_WITH_COMMODITY = re.compile(
    r"(?P<before>[^\d\s.,+-]{1,24})? ?(?P<number>[-+]?[\d.,]{1,40}) ?(?P<after>[^\d\s.,].{0,24})?"
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Read the file twice: first the postings of each transaction, then its rows."""
    _, table = open_table(data, options, [LAYOUT])
    books, names = Books(), Fingerprints()
    found: dict[str, list[Posting | None]] = {}
    for line in lines(table, options):
        posting = None if line.problems else _posting(line)
        found.setdefault(line.text("txnidx"), []).append(posting)
    for postings in found.values():
        books.learn(posting for posting in postings if posting)
    for line in lines(table, options):
        if is_text_line(line):
            yield line.skip("text_line")
            continue
        postings = found.pop(line.text("txnidx"), [])
        if not postings:
            yield line.skip("part_of_another_row")
            continue
        if not all(postings):
            line.problem("number_invalid", of="amount")
        legs = [posting for posting in postings if posting]
        for row in [line.row(None)] if line.problems else rows_of(line, legs, books):
            yield names.name(row)


def _posting(line: Line) -> Posting | None:
    """Return the posting of a row; None if its amount cannot be read."""
    account, text = line.text("account").strip("()[]"), line.text("amount")
    if not text:
        return Posting(account, None)
    commodity = line.text("commodity")
    if "commodity" not in line.columns:
        found = _WITH_COMMODITY.fullmatch(text)
        if found is None or bool(found["before"]) == bool(found["after"]):
            return None
        commodity, text = found["before"] or found["after"], found["number"]
    units = number(text, line.decimal)
    commodity = commodity.strip('"')
    return units and Posting(account, units, COMMODITIES.get(commodity, commodity)) or None


FORMATS = [
    ReadFormat(
        name="hledger",
        title="hledger CSV",
        read=read,
        signatures=[{"txnidx", "date", "description", "account", "amount"}],
        layouts=[LAYOUT],
    ),
]
