"""Charles Schwab: the positions of one account or of all. Pure.

    "Positions for account Individual ...123 as of 12:33 PM ET, 2025/05/04"
    "Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Cost Basis",...
    "SCHB","SCHWAB US BROAD MARKET ETF","12.5","$24.00","$300.00","$250.00",...
    "Cash & Cash Investments","--","--","--","$1,234.56","--",...
    "Account Total","","--","--","$1,534.56","$250.00",...

A file of all accounts repeats title and heading for each. Options have several words as a symbol.
"""

import re
from datetime import date
from typing import BinaryIO

from transactions.files.reading.cells import UnreadableDate, moment
from transactions.files.reading.interface import Options
from transactions.files.reading.tables import Layout
from transactions.files.stated.interface import Collector, Statement, StatementFormat
from transactions.files.stated.sections import rows

LAYOUT = Layout(
    name="schwab_positions",
    columns={
        "symbol": ("Symbol",),
        "name": ("Description",),
        "quantity": ("Qty (Quantity)", "Quantity"),
        "value": ("Mkt Val (Market Value)", "Market Value"),
        "cost": ("Cost Basis",),
        "kind": ("Security Type", "Asset Type"),
    },
    required=frozenset({"symbol", "quantity", "value"}),
    optional=("cost", "kind"),
    decimal=".",
    date_order="mdy",
)
_TITLE = re.compile(r"Positions for (?:account )?(?P<account>.{1,120}?) as of (?P<day>.{1,60})")
_DAY = re.compile(r"\d{4}/\d{1,2}/\d{1,2}|\d{1,2}/\d{1,2}/\d{4}")


def read(data: BinaryIO, options: Options) -> Statement:
    found = Collector()
    account, day = "", None
    for row in rows(data, options, [LAYOUT], ends=lambda record: _title(record.cells[0])):
        title = _TITLE.match(row.text[:300])
        if title is not None:
            account, day = title["account"].strip(), _day(title["day"])
            continue
        line, symbol = row.line, row.line.text("symbol")
        word = symbol.casefold()
        if not row.layout or not symbol or word.endswith("total") or word.startswith("total"):
            continue
        line.cells = {**line.cells, "currency": "USD"}
        if word.startswith("cash &") or word == "cash":
            line.cells = {"amount": line.text("value"), "currency": "USD"}
            found.balance(line, account=account, day=day)
            continue
        if line.text("kind").casefold() == "option" or len(symbol.split()) > 2:
            line.problem("option_not_supported", of="symbol")
        found.position(line, account=account, day=day)
    return found.statement()


def _title(cell: str) -> bool:
    return cell.lstrip().startswith("Positions for ")


def _day(text: str) -> date | None:
    found = _DAY.search(text)
    try:
        return moment(found[0], "mdy").day if found else None
    except UnreadableDate:
        return None


STATEMENTS = [
    StatementFormat(
        name="schwab_positions",
        title="Schwab positions",
        read=read,
        signatures=[
            {"symbol", "description", "qty (quantity)", "mkt val (market value)"},
            {"symbol", "description", "quantity", "market value", "reinvest dividends?"},
            {"symbol", "description", "quantity", "market value", "security type"},
        ],
    ),
]
