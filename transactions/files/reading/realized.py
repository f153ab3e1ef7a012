"""Realized lots of a broker: one row of a report. Pure.

Proceeds and cost are the broker's own. A gain that the report states must follow from them, with or
without the disallowed loss. Totals and the lines of text around the table are skipped.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO, Literal

from core.money import quantize
from transactions.files.reading.interface import (
    SKIP_CODES,
    Options,
    RealizedLot,
    RealizedRow,
    RowProblem,
)
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.tables import Heading, Layout, open_table

_CENTS = Decimal("0.02")
_UNKNOWN_DAYS = ("various", "n/a", "unknown", "inherited")
_LONG = re.compile(r"\blong|^lt$|^d$|^e$")
_SHORT = re.compile(r"\bshort|^st$|^a$|^b$")


def read_lots(
    data: BinaryIO,
    options: Options,
    layouts: Sequence[Layout],
    *,
    account: Callable[[Heading], str] | None = None,
    prepare: Callable[[Line], None] | None = None,
) -> Iterator[RealizedRow]:
    """Yield the rows of a table of realized lots in dollars; `account` finds its name above it."""
    options = replace(options, currency="USD")
    _, table = open_table(data, options, layouts)
    named = options.account or (account(table.heading) if account else "")
    for line in lines(table, options):
        if is_text_line(line):
            yield skipped(line, "text_line")
            continue
        if prepare:
            prepare(line)
        symbol = (line.text("symbol") or line.text("name")).casefold()
        if not symbol or symbol.startswith(("total", "account total")):
            yield skipped(line, "summary")
        else:
            yield realized_row(line, named)


def skipped(line: Line, code: str) -> RealizedRow:
    return RealizedRow(line.number, skipped=RowProblem(code, SKIP_CODES[code]), raw=line.raw)


def realized_row(line: Line, account: str) -> RealizedRow:
    """Return the lot of a line: symbol, closed, opened, quantity, proceeds, cost and the rest."""
    currency = line.options.currency
    figures: dict[str, Decimal] = {}
    for name in ("quantity", "proceeds", "cost", "disallowed"):
        value = line.quantity(name) if name == "quantity" else line.figure(name)
        if value is None and name != "disallowed":
            missing = "quantity_missing" if name == "quantity" else "amount_missing"
            line.problem(missing, of=name)
        figures[name] = value or Decimal(0)
    unadjusted, gain = line.figure("unadjusted"), _gain(line)
    if gain is not None and not line.problems:
        plain = figures["proceeds"] - figures["cost"]
        if min(abs(plain - gain), abs(plain + abs(figures["disallowed"]) - gain)) > _CENTS:
            line.problem("amount_mismatch", f"{plain} by proceeds and cost.", of="gain")
    opened = None if line.text("opened").casefold() in _UNKNOWN_DAYS else line.day("opened")
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
        term=_term(line),
        name=line.name("name"),
        account=line.name("account") or account,
        unadjusted_cost_basis=None if unadjusted is None else quantize(unadjusted, currency),
        wash_sale=line.text("wash").casefold() in ("yes", "y", "true", "w")
        or bool(figures["disallowed"]),
        isin=line.text("isin").upper(),
        cusip=line.short("cusip"),
    )
    return RealizedRow(
        line.number, None if line.problems else lot, tuple(line.problems), raw=line.raw
    )


def _gain(line: Line) -> Decimal | None:
    """Return the gain, which some reports state in one column for short and one for long."""
    stated = [line.figure(name) for name in ("gain", "short_gain", "long_gain")]
    found = [value for value in stated if value is not None]
    return sum(found, Decimal(0)) if found else None


def _term(line: Line) -> Literal["short", "long", ""]:
    word = line.text("term").casefold()
    if _SHORT.search(word):
        return "short"
    if _LONG.search(word):
        return "long"
    parts = line.figure("short_gain"), line.figure("long_gain")
    if (parts[0] is None) == (parts[1] is None):
        return ""
    return "long" if parts[0] is None else "short"
