"""Charles Schwab: the details of realized lots, for comparing them with ours. Pure.

`Cost Basis (CB)` includes wash sales, `Unadjusted Cost Basis` does not.
"""

from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import RealizedFormat
from transactions.files.formats.schwab import named_in_title
from transactions.files.reading.interface import Options, RealizedRow
from transactions.files.reading.realized import read_lots
from transactions.files.reading.tables import Heading, Layout

LAYOUT = Layout(
    name="schwab_realized",
    columns={
        "symbol": ("Symbol",),
        "name": ("Name", "Description"),
        "closed": ("Closed Date", "Transaction Closed Date"),
        "opened": ("Opened Date",),
        "quantity": ("Quantity",),
        "proceeds": ("Proceeds",),
        "cost": ("Cost Basis (CB)", "Cost Basis"),
        "gain": ("Gain/Loss ($)",),
        "term": ("Term",),
        "unadjusted": ("Unadjusted Cost Basis",),
        "wash": ("Wash Sale?",),
        "disallowed": ("Disallowed Loss",),
        "account": ("Account",),
    },
    required=frozenset({"symbol", "closed", "opened", "quantity", "proceeds", "cost"}),
    optional=("gain", "term", "unadjusted", "wash", "disallowed"),
    decimal=".",
    date_order="mdy",
)
_ENDS = (" for ", " from ", " as of ")


def read(data: BinaryIO, options: Options) -> Iterator[RealizedRow]:
    yield from read_lots(data, options, [LAYOUT], account=_account)


def _account(heading: Heading) -> str:
    return named_in_title(heading.title, after="for account ", until=_ENDS) or named_in_title(
        heading.title, after="for ", until=_ENDS
    )


FORMATS = [
    RealizedFormat(
        name="schwab_realized",
        title="Schwab realized lots",
        read=read,
        signatures=[{"symbol", "closed date", "opened date", "proceeds", "term"}],
    ),
]
