"""Fidelity: the positions of all accounts, with core cash and pending activity. Pure.

    Account Number,Account Name,Symbol,Description,Quantity,...,Current Value,...,Type
    Z1,Individual,SPAXX**,HELD IN MONEY MARKET,,,,$500.25,,,,,15.16%,,,Cash,
    Z1,Individual,Pending Activity,,,,,-$20.00,,,,,,,,,
    Z1,Individual,MSFT,MICROSOFT CORP,4,$400.00,...
    "Date downloaded 09/25/2026 10:00 PM ET"

Two asterisks mark the core position, which is cash. Pending activity is the cash of trades that are
not settled: the cash is both together, and the core position alone is settled. Its amount is in the
column of the value or in the one before. Lots held as cash and on margin are two rows.
"""

import re
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from core.money import plain
from transactions.files.reading.cells import UnreadableDate, moment
from transactions.files.reading.interface import Options
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import ZERO
from transactions.files.reading.tables import Layout
from transactions.files.stated.interface import Collector, Statement, StatementFormat
from transactions.files.stated.sections import Found, rows

LAYOUT = Layout(
    name="fidelity_positions",
    columns={
        "account": ("Account Number", "Account Name/Number"),
        "symbol": ("Symbol",),
        "name": ("Description",),
        "quantity": ("Quantity",),
        "change": ("Last Price Change",),
        "value": ("Current Value",),
        "cost": ("Cost Basis Total", "Cost Basis"),
    },
    required=frozenset({"account", "symbol", "quantity", "value"}),
    optional=("change", "cost"),
    decimal=".",
    date_order="mdy",
)
_FOOTER = re.compile(r"Date downloaded (?P<day>[A-Za-z]{3}-\d{1,2}-\d{4}|\d{1,2}/\d{1,2}/\d{4})")
_OPTION = re.compile(r"-?[A-Z]{1,6}\d{6}[CP]\d{1,6}(?:\.\d{1,3})?")


def read(data: BinaryIO, options: Options) -> Statement:
    table = list(rows(data, options, [LAYOUT]))
    day = next((day for row in table if (day := _footer(row.text)) is not None), None)
    found = Collector()
    found.states_positions = True
    cash: dict[str, tuple[Line, list[str], list[str]]] = {}
    for row in table:
        line, symbol = row.line, row.line.text("symbol")
        if not symbol or not _is_row(row):
            continue
        account = line.name("account")
        if symbol.endswith("**") or symbol.casefold() == "pending activity":
            _, core, pending = cash.setdefault(account, (line, [], []))
            (core if symbol.endswith("**") else pending).append(
                line.text("value") or line.text("change")
            )
            continue
        line.cells = {**line.cells, "symbol": symbol.strip("*"), "currency": "USD"}
        if _OPTION.fullmatch(symbol.strip()):
            line.problem("option_not_supported", of="symbol")
        found.position(line, account=account, day=day)
    for account, (line, core, pending) in cash.items():
        amounts = [_amount(line, text) for text in core], [_amount(line, text) for text in pending]
        settled, open_ = (sum(some, ZERO) for some in amounts)
        line.cells = {"amount": plain(settled + open_), "currency": "USD"}
        if pending:
            line.cells = {**line.cells, "settled": plain(settled)}
        found.balance(line, account=account, day=day)
    return found.statement()


def _is_row(row: Found) -> bool:
    return bool(row.layout) and len(row.line.found) > 4


def _amount(line: Line, text: str) -> Decimal:
    line.cells = {**line.cells, "amount": text}
    return line.figure("amount") or ZERO


def _footer(text: str) -> date | None:
    found = _FOOTER.search(text[:300])
    try:
        return moment(found["day"], "mdy").day if found else None
    except UnreadableDate:
        return None


STATEMENTS = [
    StatementFormat(
        name="fidelity_positions",
        title="Fidelity positions",
        read=read,
        signatures=[
            {"account number", "symbol", "quantity", "last price", "current value"},
            {"account name/number", "symbol", "quantity", "last price", "current value"},
        ],
    ),
]
