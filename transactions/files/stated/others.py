"""Tables of positions that need columns and two words only. Pure.

Vanguard      Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,  (the block
              above the transactions; the settlement fund VMFXX is cash; no day)
DEGIRO        Product,Symbol/ISIN,Amount,Closing,Local value,,Value in EUR  (Dutch: Symbool/ISIN,
              Aantal; German: Anzahl; `CASH & CASH FUND` has no ISIN; no day)
Trading 212   Slice,Name,Invested value,Value,Result,Owned quantity  (one pie, not the account)
Wealthsimple  Account Name,...,Symbol,Exchange,MIC,Name,Security Type,Quantity,Position
              Direction,...  (footer: "As of 2026-05-08 12:00 GMT-04:00")
ING           ISIN;Wertpapiername;Stück/Nominale;...  (title: "Depotübersicht vom 07.08.2026")
comdirect     "Stück/Nom.";"Bezeichnung";"WKN";...;"Kaufwert in EUR";"Wert in EUR"
Questrade     the same columns as Wealthsimple, with an account number of digits
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import BinaryIO

from transactions.files.reading.cells import UnreadableDate, is_isin, moment
from transactions.files.reading.interface import Options
from transactions.files.reading.lines import Line
from transactions.files.reading.tables import Layout, Record
from transactions.files.stated.interface import Collector, Statement, StatementFormat
from transactions.files.stated.sections import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How the positions of one broker are read.

    `day`: a pattern of a text with the day in its group. `cash`: whether a row is cash, with its
    amount in the cell amount or value. `funds`: symbols of money funds that are cash. `prepare` may
    replace cells. `ends`: whether a row begins another table.
    """

    layout: Layout
    currency: str = ""
    day: re.Pattern[str] | None = None
    cash: Callable[[Line], bool] | None = None
    funds: Collection[str] = ()
    is_part: bool = False
    prepare: Callable[[Line], None] | None = None
    ends: Callable[[Record], bool] | None = None


def _read(table: Table, data: BinaryIO, options: Options) -> Statement:
    if table.currency:
        options = replace(options, currency=table.currency)
    found, day = Collector(), None
    found.states_positions = True
    kept = list(rows(data, options, [table.layout], ends=table.ends))
    if table.day is not None:
        day = next((day for row in kept if (day := _day(table.day, row.text)) is not None), None)
    for row in kept:
        line = row.line
        if not row.layout or line.filled < 2:
            continue
        if table.prepare:
            table.prepare(line)
        word = (line.text("symbol") or line.text("name") or line.text("isin")).casefold()
        if word.startswith(("total", "summe", "gesamt")) or not word:
            continue
        if table.cash is not None and table.cash(line):
            line.cells = {**line.cells, "amount": line.text("amount") or line.text("value")}
            found.balance(line, day=day)
        else:
            is_fund = line.text("symbol").upper() in table.funds
            found.position(line, day=day, is_cash=is_fund)
    return found.statement(is_part=table.is_part)


def _day(pattern: re.Pattern[str], text: str) -> date | None:
    found = pattern.search(text[:300])
    try:
        return moment(found["day"], None).day if found else None
    except UnreadableDate:
        return None


def _reader(table: Table) -> Callable[[BinaryIO, Options], Statement]:
    return lambda data, options: _read(table, data, options)


VANGUARD = Layout(
    name="vanguard_positions",
    columns={
        "account": ("Account Number",),
        "name": ("Investment Name",),
        "symbol": ("Symbol",),
        "quantity": ("Shares",),
        "value": ("Total Value",),
    },
    required=frozenset({"name", "symbol", "quantity", "value"}),
    decimal=".",
)
DEGIRO = Layout(
    name="degiro_positions",
    columns={
        "name": ("Product", "Produkt"),
        "isin": ("Symbol/ISIN", "Symbool/ISIN"),
        "quantity": ("Amount", "Quantity", "Aantal", "Anzahl"),
        "local": ("Local value", "Lokale waarde", "Wert"),
        "amount": ("Value in ¤", "Waarde in ¤", "Wert in ¤"),
    },
    required=frozenset({"name", "isin", "quantity", "amount"}),
    optional=("local",),
    numbers=("quantity", "amount"),
)
TRADING212 = Layout(
    name="trading212_pie",
    columns={
        "symbol": ("Slice",),
        "name": ("Name",),
        "value": ("Value",),
        "cost": ("Invested value",),
        "quantity": ("Owned quantity",),
    },
    required=frozenset({"symbol", "value", "quantity"}),
    optional=("cost",),
    decimal=".",
)
WEALTHSIMPLE = Layout(
    name="wealthsimple_holdings",
    columns={
        "account": ("Account Number",),
        "symbol": ("Symbol",),
        "name": ("Name",),
        "kind": ("Security Type",),
        "quantity": ("Quantity",),
        "direction": ("Position Direction",),
        "value": ("Market Value",),
        "currency": ("Market Value Currency",),
        "cost": ("Book Value (Market)",),
    },
    required=frozenset({"symbol", "quantity", "direction"}),
    optional=("kind", "value", "currency", "cost"),
    decimal=".",
)
ING = Layout(
    name="ing_positions",
    columns={
        "isin": ("ISIN",),
        "name": ("Wertpapiername",),
        "quantity": ("Stück/Nominale",),
        "cost": ("Einstandswert",),
        "value": ("Kurswert",),
    },
    required=frozenset({"isin", "name", "quantity"}),
    optional=("cost", "value"),
    decimal=",",
)
COMDIRECT = Layout(
    name="comdirect_positions",
    columns={
        "quantity": ("Stück/Nom.",),
        "name": ("Bezeichnung",),
        "symbol": ("WKN",),
        "cost": ("Kaufwert in EUR",),
        "value": ("Wert in EUR",),
    },
    required=frozenset({"quantity", "name", "symbol", "cost"}),
    optional=("value",),
    decimal=",",
)
_CASH_WORD = re.compile(r"CASH & CASH FUND.{0,60}\((?P<currency>[A-Z]{3})\)")


def _degiro(line: Line) -> None:
    isin, currency = line.text("isin"), line.text("local")[:3].upper()
    cells = {**line.cells, "currency": currency}
    if not is_isin(isin):
        cells |= {"symbol": isin, "isin": ""}
    found = _CASH_WORD.match(line.text("name")[:120])
    if found:
        cells["currency"] = found["currency"]
    line.cells = cells


def _wealthsimple(line: Line) -> None:
    if line.text("direction").upper() == "SHORT":
        line.cells = {**line.cells, "quantity": f"-{line.text('quantity').lstrip('-')}"}
    if line.text("kind").upper() == "OPTION":
        line.problem("option_not_supported", of="symbol")


def _is_wealthsimple_cash(line: Line) -> bool:
    if line.text("kind").upper() not in ("CURRENCY", "CASH"):
        return False
    line.cells = {**line.cells, "amount": line.text("quantity"), "currency": line.text("symbol")}
    return True


STATEMENTS = [
    StatementFormat(
        name="vanguard_positions",
        title="Vanguard positions",
        read=_reader(
            Table(
                layout=VANGUARD,
                currency="USD",
                funds={"VMFXX"},
                ends=lambda record: "Trade Date" in record.cells,
            )
        ),
        signatures=[{"investment name", "symbol", "shares", "share price", "total value"}],
    ),
    StatementFormat(
        name="degiro_positions",
        title="DEGIRO portfolio",
        read=_reader(
            Table(
                layout=DEGIRO,
                prepare=_degiro,
                cash=lambda line: line.text("name").upper().startswith("CASH &"),
            )
        ),
        signatures=[
            {"product", "symbol/isin"},
            {"product", "symbool/isin"},
            {"produkt", "symbol/isin"},
        ],
    ),
    StatementFormat(
        name="trading212_pie",
        title="Trading 212 pie",
        read=_reader(Table(layout=TRADING212, is_part=True)),
        signatures=[{"slice", "invested value", "owned quantity"}],
    ),
    StatementFormat(
        name="wealthsimple_holdings",
        title="Wealthsimple holdings",
        read=_reader(
            Table(
                layout=WEALTHSIMPLE,
                day=re.compile(r"As of (?P<day>\d{4}-\d\d-\d\d)"),
                prepare=_wealthsimple,
                cash=_is_wealthsimple_cash,
            )
        ),
        signatures=[{"symbol", "quantity", "position direction", "market price"}],
    ),
    StatementFormat(
        name="ing_positions",
        title="ING Depot",
        read=_reader(
            Table(
                layout=ING,
                currency="EUR",
                day=re.compile(r"Depotübersicht vom (?P<day>\d\d\.\d\d\.\d{4})"),
            )
        ),
        signatures=[{"isin", "wertpapiername", "stück/nominale"}],
    ),
    StatementFormat(
        name="comdirect_positions",
        title="comdirect Depot",
        read=_reader(Table(layout=COMDIRECT, currency="EUR")),
        signatures=[{"stück/nom.", "bezeichnung", "wkn", "kaufwert in eur"}],
    ),
]
