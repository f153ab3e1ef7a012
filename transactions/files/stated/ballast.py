"""Our own statement: the positions and the cash of an account at the end of a day. Pure.

    day,kind,account,symbol,isin,quantity,currency,amount,cost_basis
    2024-06-28,position,Main,AAA,,15,USD,,801.00
    2024-06-28,cash,Main,,,,USD,3722.41,

Any broker's positions can be brought in this form. `kind` may be left out: a row with a symbol or
an ISIN is a position. `write` and `read` are inverse.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from core.money import plain
from transactions.files.formats.ballast import inert, unescaped
from transactions.files.reading.interface import Options
from transactions.files.reading.tables import Layout
from transactions.files.stated.interface import Collector, Statement, StatementFormat
from transactions.files.stated.sections import rows

COLUMNS = (
    *("day", "kind", "account", "symbol", "isin", "quantity", "currency", "amount", "cost_basis"),
)
LAYOUT = Layout(
    name="ballast_statement",
    columns={**{name: (name,) for name in COLUMNS}, "cost": ("cost_basis",)},
    required=frozenset({"day", "quantity", "amount"}),
    optional=("kind", "currency", "cost", "cost_basis"),
    decimal=".",
    date_order="ymd",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One position to be written; the cost basis is left out where it is not known."""

    symbol: str
    isin: str
    units: Decimal
    currency: str
    cost_basis: Decimal | None = None


def write(
    *, day: date, account: str, positions: Iterable[Held], cash: Decimal, currency: str
) -> Iterator[str]:
    """Yield the lines of a statement."""
    yield _line(COLUMNS)
    for one in positions:
        cost = "" if one.cost_basis is None else plain(one.cost_basis)
        yield _line(
            (
                *(day.isoformat(), "position", inert(account), inert(one.symbol), one.isin),
                *(plain(one.units), one.currency, "", cost),
            )
        )
    yield _line((day.isoformat(), "cash", inert(account), "", "", "", currency, plain(cash), ""))


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def read(data: BinaryIO, options: Options) -> Statement:
    found = Collector()
    found.states_positions = True
    for row in rows(data, options, [LAYOUT]):
        line = row.line
        if not row.layout or line.filled < 2:
            continue
        line.cells = {name: unescaped(text) for name, text in line.cells.items()}
        day, kind = line.day("day"), line.text("kind").casefold()
        if kind not in ("", "position", "cash"):
            line.problem("value_invalid", of="kind")
        named = line.text("symbol") or line.text("isin")
        if kind == "cash" or (not kind and not named):
            found.balance(line, day=day)
        else:
            found.position(line, day=day, is_exact=True)
    return found.statement()


STATEMENTS = [
    StatementFormat(
        name="ballast_statement",
        title="Ballast statement",
        read=read,
        signatures=[{"day", "kind", "symbol", "quantity", "amount"}],
    ),
]
