"""The table of all holdings as somebody asked for it: columns, filters, order, groups. Pure.

The rows that match are filtered first, then sums are taken of all of them, then they are sorted,
grouped, and cut into pages. A figure that is not known sorts last in both directions; ties are in
the order of symbol and account. Groups come by value, the largest first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from portfolios.holdings.lines import Line, Sums, sums
from portfolios.holdings.valuation import Position


class Held(Protocol):
    """A row of a table of holdings, of one account or of a household."""

    @property
    def position(self) -> Position: ...

    @property
    def gain(self) -> Decimal | None: ...


AnyRow = TypeVar("AnyRow")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be chosen and sorted by; `figure` is what a line has there."""

    name: str
    label: str
    figure: Callable[[Line], Any]
    # The column needs what the holding brought so far, which is read only then.
    past: bool = False
    # The wider direction of interest comes first.
    descending: bool = True


_CLASS_LABELS: Mapping[str, str] = {
    "equity": "Shares",
    "etf": "ETFs",
    "bond": "Bonds",
    "cash": "Cash",
    "fund": "Funds",
    "crypto": "Crypto",
}


def class_label(name: str) -> str:
    """Return the name of an asset class for people."""
    return _CLASS_LABELS.get(name, name)


_COLUMNS = (
    Column("symbol", "Holding", lambda row: row.position.symbol, descending=False),
    Column("value", "Value", lambda row: row.value),
    Column("day", "Day change", lambda row: row.day_change),
    Column("gain", "Gain", lambda row: row.gain),
    Column("gain_percentage", "Gain %", lambda row: row.gain_percentage),
    Column("total_return", "Total return", lambda row: row.total_return, past=True),
    Column("income", "Income", lambda row: row.past.income, past=True),
    Column("weight", "Weight", lambda row: row.weight),
    Column("target", "Target", lambda row: row.position.target_percentage),
    Column("drift", "Drift", lambda row: row.drift),
    Column("class", "Class", lambda row: class_label(row.position.asset_class), descending=False),
    Column("account", "Account", lambda row: row.account.casefold(), descending=False),
    Column("currency", "Currency", lambda row: row.position.currency, descending=False),
    Column("price", "Price", lambda row: row.quote.price if row.quote else None),
    Column("quantity", "Quantity", lambda row: row.position.quantity),
    Column("cost", "Cost basis", lambda row: row.cost_basis),
)
COLUMNS: Mapping[str, Column] = {column.name: column for column in _COLUMNS}
# The holding itself is always shown.
CHOOSABLE = tuple(name for name in COLUMNS if name != "symbol")
DEFAULT_COLUMNS = (
    *("value", "day", "gain", "total_return", "income", "weight", "drift"),
    *("class", "account", "price"),
)
SORT_DEFAULT = "-value"


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to group lines: the key, and its name for people."""

    label: str
    key: Callable[[Line], Any]
    title: Callable[[Line], str]


GROUPINGS: Mapping[str, Grouping] = {
    "class": Grouping(
        "Class",
        lambda row: row.position.asset_class,
        lambda row: class_label(row.position.asset_class),
    ),
    "account": Grouping("Account", lambda row: row.account_id, lambda row: row.account),
    "currency": Grouping(
        "Currency", lambda row: row.position.currency, lambda row: row.position.currency
    ),
    "symbol": Grouping(
        "Security",
        lambda row: row.position.asset_id,
        lambda row: f"{row.position.symbol} · {row.position.name}",
    ),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What rows must have; empty for no such condition. `text` is in the symbol or the name."""

    text: str = ""
    asset_class: str = ""
    currency: str = ""
    losses_only: bool = False

    def match(self, row: Held) -> bool:
        position, gain = row.position, row.gain
        text = self.text.casefold()
        return (
            (not text or text in position.symbol.casefold() or text in position.name.casefold())
            and self.asset_class in ("", position.asset_class)
            and self.currency in ("", position.currency)
            and (not self.losses_only or (gain is not None and gain < 0))
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of the page with one key, and the sums of all lines that match and have it."""

    title: str
    sums: Sums
    rows: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One page: its groups (one without a title if nothing is grouped), and sums of all matches."""

    groups: tuple[Group, ...]
    matches: tuple[Line, ...]
    sums: Sums
    page: int
    pages: int


def table(
    *,
    rows: Sequence[Line],
    total: Decimal,
    filters: Filters,
    sort: str,
    group: str,
    page: int,
    page_size: int,
) -> Table:
    """Return a page of the lines that match; a page beyond the last one is the last.

    `sort` is a column, with a minus for the largest first; `group` a name of GROUPINGS or empty.
    """
    matches = in_order([row for row in rows if filters.match(row)], sort=sort)
    whole = sums(matches, total=total)
    grouped = _grouped(matches, group, total) if group else [Group("", whole, tuple(matches))]
    ordered = [row for one in grouped for row in one.rows]
    pages = max(1, -(-len(ordered) // page_size))
    page = min(max(page, 1), pages)
    start, end = (page - 1) * page_size, page * page_size
    shown, passed = [], 0
    for one in grouped:
        part = one.rows[max(start - passed, 0) : max(end - passed, 0)]
        passed += len(one.rows)
        if part:
            shown.append(Group(one.title, one.sums, part))
    return Table(tuple(shown), tuple(ordered), whole, page, pages)


def in_order(rows: Sequence[Line], *, sort: str) -> list[Line]:
    """Return lines sorted by a column; lines without its figure come last."""
    column, descending = COLUMNS[sort.removeprefix("-")], sort.startswith("-")
    by_name = sorted(rows, key=lambda row: (row.position.symbol, row.account.casefold()))
    return by_figure(by_name, column.figure, descending=descending)


def by_figure(
    rows: Sequence[AnyRow], figure: Callable[[AnyRow], Any], *, descending: bool
) -> list[AnyRow]:
    """Return rows sorted by a figure; those without it come last. Ties keep their order."""
    figures = [(figure(row), row) for row in rows]
    known = [pair for pair in figures if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in figures if value is None]


def _grouped(rows: Sequence[Line], group: str, total: Decimal) -> list[Group]:
    grouping, found = GROUPINGS[group], dict[Any, list[Line]]()
    for row in rows:
        found.setdefault(grouping.key(row), []).append(row)
    made = [
        Group(grouping.title(part[0]), sums(part, total=total), tuple(part))
        for part in found.values()
    ]
    return sorted(made, key=lambda one: (-one.sums.value, one.title))
