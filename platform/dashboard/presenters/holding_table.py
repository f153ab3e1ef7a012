"""The lines of the table of all holdings as cells, for the page and for its file. Pure."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.dates import instant_text
from core.money import plain
from dashboard.presenters import figures
from portfolios.holdings.lines import Line, Sums
from portfolios.holdings.tables import COLUMNS, class_label
from transactions.files.formats.ballast import inert

_TEXTS = frozenset({"symbol", "account", "class", "currency"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: a figure or text, a second line, and how both are toned."""

    text: str
    sub: str = ""
    tone: str = ""
    sub_tone: str = ""
    number: bool = True
    tag: str = ""
    warn: bool = False
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column, and the order its link asks for."""

    name: str
    label: str
    number: bool
    sorted: str  # "ascending", "descending" or empty
    sort: str


def headings(*, columns: Sequence[str], sort: str) -> list[Heading]:
    """Return the headings; following one sorts by it, and the other way if it is sorted already."""
    found = []
    for name in columns:
        column = COLUMNS[name]
        usual, other = (f"-{name}", name) if column.descending else (name, f"-{name}")
        found.append(
            Heading(
                name,
                column.label,
                name not in _TEXTS,
                {f"-{name}": "descending", name: "ascending"}.get(sort, ""),
                other if sort == usual else usual,
            )
        )
    return found


def cells(row: Line, *, columns: Sequence[str], currency: str, now: datetime) -> list[Cell]:
    """Return the cells of a line below these columns."""
    return [_CELLS[name](row, currency, now) for name in columns]


def sum_cells(found: Sums, *, columns: Sequence[str], currency: str) -> list[Cell]:
    """Return the cells of a row of sums; columns that have no sum are empty."""
    made: Mapping[str, Cell] = {
        "value": Cell(figures.money(found.value, currency)),
        "day": _signed(found.day_change, found.day_percentage, currency),
        "gain": _signed(found.gain, found.gain_percentage, currency),
        "gain_percentage": _percent(found.gain_percentage),
        "total_return": _percent(
            found.total_return, sub=figures.money(found.total_gain, currency, plus=True)
        ),
        "income": Cell(figures.money(found.income, currency)),
        "weight": Cell(figures.percent(found.weight, decimals=1)),
    }
    return [made.get(name, Cell("", number=name not in _TEXTS)) for name in columns]


def _signed(amount: Decimal | None, share: Decimal | None, currency: str) -> Cell:
    tone = figures.tone(amount)
    return Cell(
        figures.money(amount, currency, plus=True),
        "" if share is None else figures.percent(share, plus=True),
        tone,
        tone,
    )


def _percent(share: Decimal | None, *, sub: str = "") -> Cell:
    tone = figures.tone(share)
    return Cell(figures.percent(share, plus=True), sub, tone, tone if sub else "")


def _price(row: Line, currency: str, now: datetime) -> Cell:
    quote = row.quote
    if quote is None:
        return Cell(figures.UNKNOWN, tag="no price", warn=True)
    own = {"trade": "estimate", "manual": "own price", "file": "own price"}.get(quote.source, "")
    old = "stale" if quote.stale else ""
    if not old and row.stale_rate:
        old = f"rate of {row.stale_rate.day} {row.stale_rate:%b}"
    return Cell(
        figures.price(quote.price, row.position.currency),
        age(quote.as_of, now),
        tag=own or old,
        warn=own != "own price",
    )


def age(as_of: datetime, now: datetime) -> str:
    """Return the time of a price of today, and the day of an older one."""
    if as_of.date() == now.date():
        return f"{as_of:%H:%M} UTC"
    year = "" if as_of.year == now.year else f" {as_of.year}"
    return f"{as_of.day} {as_of:%b}{year}"


def _drift(row: Line) -> Cell:
    drift = row.drift
    if drift is None:
        return Cell(figures.UNKNOWN)
    target = figures.percent(row.position.target_percentage, decimals=1)
    return Cell(
        figures.percent(drift, decimals=1, plus=True).replace("%", " pp"),
        f"target {target}",
        tag="outside" if row.outside else "",
        warn=True,
    )


_CELLS: Mapping[str, Callable[[Line, str, datetime], Cell]] = {
    "account": lambda row, c, now: Cell(row.account, number=False, account_id=row.account_id),
    "class": lambda row, c, now: Cell(class_label(row.position.asset_class), number=False),
    "currency": lambda row, c, now: Cell(row.position.currency, number=False),
    "quantity": lambda row, c, now: Cell(figures.quantity(row.position.quantity)),
    "price": _price,
    "value": lambda row, c, now: Cell(figures.money(row.value, c)),
    "day": lambda row, c, now: _signed(row.day_change, row.day_percentage, c),
    "cost": lambda row, c, now: Cell(figures.money(row.cost_basis, c)),
    "gain": lambda row, c, now: _signed(row.gain, row.gain_percentage, c),
    "gain_percentage": lambda row, c, now: _percent(row.gain_percentage),
    "total_return": lambda row, c, now: _percent(
        row.total_return, sub=figures.money(row.total_gain, c, plus=True)
    ),
    "income": lambda row, c, now: Cell(figures.money(row.past.income, c)),
    "weight": lambda row, c, now: Cell(figures.percent(row.weight, decimals=1)),
    "target": lambda row, c, now: Cell(figures.percent(row.position.target_percentage, decimals=1)),
    "drift": lambda row, c, now: _drift(row),
}

# The plain figures of a file, which another program can read; currency and time beside them.
_EXPORTED: Mapping[str, Callable[[Line], Decimal | str | None]] = {
    "account": lambda row: row.account,
    "class": lambda row: row.position.asset_class,
    "currency": lambda row: row.position.currency,
    "quantity": lambda row: row.position.quantity,
    "price": lambda row: row.quote.price if row.quote else None,
    "value": lambda row: row.value,
    "day": lambda row: row.day_change,
    "cost": lambda row: row.cost_basis,
    "gain": lambda row: row.gain,
    "gain_percentage": lambda row: row.gain_percentage,
    "total_return": lambda row: row.total_return,
    "income": lambda row: row.past.income,
    "weight": lambda row: row.weight,
    "target": lambda row: row.position.target_percentage,
    "drift": lambda row: row.drift,
}


def as_csv(*, rows: Sequence[Line], columns: Sequence[str], currency: str) -> str:
    """Return the lines as CSV; amounts in `currency`, no figure for what is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    names = [name for name in columns if name != "symbol"]
    writer.writerow(["symbol", "name", *names, "amounts_in", "price_as_of"])
    for row in rows:
        figures_of = [_text(_EXPORTED[name](row)) for name in names]
        as_of = instant_text(row.as_of) if row.as_of else ""
        position = row.position
        writer.writerow(
            [inert(position.symbol), inert(position.name), *figures_of, currency, as_of]
        )
    return text.getvalue()


def _text(figure: Decimal | str | None) -> str:
    if figure is None:
        return ""
    return plain(figure) if isinstance(figure, Decimal) else inert(figure)
