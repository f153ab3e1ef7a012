"""Charles Schwab: the details of realized lots, for comparing them with ours. Pure.

Proceeds and cost are the broker's own. `Cost Basis (CB)` includes wash sales, `Unadjusted Cost
Basis` does not. Totals and the lines of text around the table are skipped.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO, Literal

from core.money import quantize
from transactions.files.formats.declaration import RealizedFormat
from transactions.files.formats.schwab import named_in_title
from transactions.files.reading.interface import (
    SKIP_CODES,
    Options,
    RealizedLot,
    RealizedRow,
    RowProblem,
)
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.tables import Layout, open_table

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
    decimal=".",
    date_order="mdy",
)
_CENTS = Decimal("0.02")
_ENDS = (" for ", " from ", " as of ")


def read(data: BinaryIO, options: Options) -> Iterator[RealizedRow]:
    options = replace(options, currency="USD")
    _, table = open_table(data, options, [LAYOUT])
    title = table.heading.title
    account = options.account or (
        named_in_title(title, after="for account ", until=_ENDS)
        or named_in_title(title, after="for ", until=_ENDS)
    )
    for line in lines(table, options):
        symbol = line.text("symbol").casefold()
        if is_text_line(line):
            yield _skipped(line, "text_line")
        elif symbol in ("", "total", "totals", "account total") or symbol.startswith("total"):
            yield _skipped(line, "summary")
        else:
            yield _row(line, account)


def _skipped(line: Line, code: str) -> RealizedRow:
    return RealizedRow(line.number, skipped=RowProblem(code, SKIP_CODES[code]), raw=line.raw)


def _row(line: Line, account: str) -> RealizedRow:
    currency = line.options.currency
    figures: dict[str, Decimal] = {}
    for name in ("quantity", "proceeds", "cost", "disallowed"):
        value = line.quantity(name) if name == "quantity" else line.figure(name)
        if value is None and name != "disallowed":
            missing = "quantity_missing" if name == "quantity" else "amount_missing"
            line.problem(missing, of=name)
        figures[name] = value or Decimal(0)
    unadjusted, gain = line.figure("unadjusted"), line.figure("gain")
    if gain is not None and not line.problems:
        plain = figures["proceeds"] - figures["cost"]
        if min(abs(plain - gain), abs(plain + abs(figures["disallowed"]) - gain)) > _CENTS:
            line.problem("amount_mismatch", f"{plain} by proceeds and cost.", of="gain")
    opened = None if line.text("opened").casefold() in ("various", "n/a") else line.day("opened")
    closed = line.day("closed")
    if closed is None:
        line.problem("date_missing", of="closed")
    lot = RealizedLot(
        line=line.number,
        symbol=line.short("symbol"),
        closed_date=closed,
        opened_date=opened,
        quantity=abs(figures["quantity"]),
        proceeds=quantize(figures["proceeds"], currency),
        cost_basis=quantize(figures["cost"], currency),
        disallowed=quantize(abs(figures["disallowed"]), currency),
        term=_term(line.text("term")),
        name=line.name("name"),
        account=line.name("account") or account,
        unadjusted_cost_basis=None if unadjusted is None else quantize(unadjusted, currency),
        wash_sale=line.text("wash").casefold() in ("yes", "y", "true")
        or bool(figures["disallowed"]),
    )
    return RealizedRow(
        line.number, None if line.problems else lot, tuple(line.problems), raw=line.raw
    )


def _term(text: str) -> Literal["short", "long", ""]:
    word = text.casefold()
    if word.startswith("short"):
        return "short"
    return "long" if word.startswith("long") else ""


FORMATS = [
    RealizedFormat(
        name="schwab_realized",
        title="Schwab realized lots",
        read=read,
        signatures=[{"symbol", "closed date", "opened date", "proceeds", "term"}],
    ),
]
