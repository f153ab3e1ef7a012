"""Reports of realized lots: Fidelity, Vanguard, and tables with the boxes of Form 1099-B. Pure.

    Fidelity   Symbol(CUSIP),Security Description,Quantity,Date Acquired,Date Sold,Proceeds,...
               ABNB(009066101),"AIRBNB INC COM CL A",30.00000,08/04/2022,08/17/2022,"$3621.38 ",...
               the gain is in the column of its term, "-" in the other one
    Vanguard   Account Number,Investment Name,Symbol,Date Acquired,Date Sold,Shares,Proceeds,...
    1099-B     box 1a description, 1b acquired, 1c sold, 1d proceeds, 1e cost, 1g wash sale loss
               disallowed; "various" is an acquisition on several days. The term is a word, or the
               box of Form 8949: A and B are short, D and E long

A table without symbols is compared by CUSIP or by name: a line finds its partner only if Ballast
knows the security by it.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from transactions.files.formats.declaration import RealizedFormat
from transactions.files.reading.interface import Options, RealizedRow
from transactions.files.reading.lines import Line
from transactions.files.reading.realized import read_lots
from transactions.files.reading.tables import Layout

FIDELITY = Layout(
    name="fidelity_realized",
    columns={
        "symbol": ("Symbol(CUSIP)",),
        "name": ("Security Description",),
        "quantity": ("Quantity",),
        "opened": ("Date Acquired",),
        "closed": ("Date Sold",),
        "proceeds": ("Proceeds",),
        "cost": ("Cost Basis",),
        "short_gain": ("Short Term Gain/Loss",),
        "long_gain": ("Long Term Gain/Loss",),
    },
    required=frozenset({"symbol", "closed", "opened", "quantity", "proceeds", "cost"}),
    optional=("short_gain", "long_gain"),
    decimal=".",
    date_order="mdy",
)
VANGUARD = Layout(
    name="vanguard_realized",
    columns={
        "account": ("Account Number",),
        "name": ("Investment Name",),
        "symbol": ("Symbol",),
        "opened": ("Date Acquired",),
        "closed": ("Date Sold",),
        "quantity": ("Shares",),
        "proceeds": ("Proceeds",),
        "cost": ("Cost Basis",),
        "term": ("Term",),
    },
    required=frozenset({"symbol", "closed", "opened", "quantity", "proceeds", "cost"}),
    optional=("term",),
    decimal=".",
    date_order="mdy",
)
FORM_1099B = Layout(
    name="form_1099b",
    columns={
        "account": ("Account", "Account Number"),
        "symbol": ("Symbol", "Ticker", "Ticker Symbol"),
        "cusip": ("CUSIP", "CUSIP Number"),
        "name": (
            *("Description of property", "1a Description of property", "Description"),
            *("1a- Description of property (Example 100 sh. XYZ Co.)", "Box 1a"),
        ),
        "quantity": ("Quantity", "Quantity sold", "Shares", "Qty"),
        "opened": (
            *("Date acquired", "1b Date acquired", "1b- Date acquired", "Acquired", "Box 1b"),
            *("DateAcquired", "Date of acquisition"),
        ),
        "closed": (
            *("Date sold or disposed", "1c Date sold or disposed", "1c- Date sold or disposed"),
            *("Date sold", "Sold", "DateSold", "Box 1c", "Date of sale"),
        ),
        "proceeds": ("Proceeds", "1d Proceeds", "1d- Proceeds", "Box 1d", "Sales price"),
        "cost": (
            *("Cost or other basis", "1e Cost or other basis", "1e- Cost or other basis"),
            *("Cost basis", "CostBasis", "Box 1e"),
        ),
        "disallowed": (
            *("Wash sale loss disallowed", "1g Wash sale loss disallowed", "Box 1g"),
            *("1g- Wash sale loss disallowed", "WashSaleLoss", "Wash sale disallowed"),
        ),
        "gain": ("Gain/loss", "Gain or loss", "Realized gain/loss"),
        "term": (
            *("Term", "Type of gain or loss", "2 Type of gain or loss", "Form 8949 code"),
            *("Short-term or long-term", "Holding period"),
        ),
    },
    required=frozenset({"closed", "opened", "quantity", "proceeds", "cost"}),
    optional=("disallowed", "gain", "term"),
    decimal=".",
    date_order="mdy",
)
_WITH_CUSIP = re.compile(r"(?P<symbol>[^()]{0,40})\((?P<cusip>[A-Z0-9]{6,12})\)")


def read_fidelity(data: BinaryIO, options: Options) -> Iterator[RealizedRow]:
    yield from read_lots(data, options, [FIDELITY], prepare=_split_symbol)


def _split_symbol(line: Line) -> None:
    found = _WITH_CUSIP.fullmatch(line.text("symbol"))
    if found:
        line.cells = {**line.cells, "symbol": found["symbol"].strip(), "cusip": found["cusip"]}


def read_vanguard(data: BinaryIO, options: Options) -> Iterator[RealizedRow]:
    yield from read_lots(data, options, [VANGUARD])


def read_1099b(data: BinaryIO, options: Options) -> Iterator[RealizedRow]:
    yield from read_lots(data, options, [FORM_1099B])


FORMATS = [
    RealizedFormat(
        name="fidelity_realized",
        title="Fidelity closed lots",
        read=read_fidelity,
        signatures=[{"symbol(cusip)", "date acquired", "date sold", "proceeds", "cost basis"}],
    ),
    RealizedFormat(
        name="vanguard_realized",
        title="Vanguard realized lots",
        read=read_vanguard,
        signatures=[{"investment name", "date acquired", "date sold", "shares", "cost basis"}],
    ),
    RealizedFormat(
        name="form_1099b",
        title="Form 1099-B",
        read=read_1099b,
        signatures=[
            {"date acquired", "date sold or disposed", "proceeds", "cost or other basis"},
            {"1b date acquired", "1c date sold or disposed", "1d proceeds"},
            {"1b- date acquired", "1c- date sold or disposed", "1d- proceeds"},
            {"dateacquired", "datesold", "proceeds", "costbasis"},
            {"date acquired", "date sold", "proceeds", "wash sale loss disallowed"},
        ],
    ),
]
