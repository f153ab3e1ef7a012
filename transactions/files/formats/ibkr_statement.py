"""Interactive Brokers: the activity statement as CSV, in several languages. Pure.

    Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,...
    Trades,Data,Order,Stocks,USD,VTI,"2025-03-03, 09:30:00",10,250.12,...
    Trades,SubTotal,,Stocks,USD,VTI,,10,...

Every row names its section and what it is in it. Sections of trades and of cash are read as those
of a Flex query are; the account is in a section of its own. Orders are read, or
trades if the file has no orders. A split is recorded if its one row adds units.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from core.limits import IMPORT_ROWS_MAX
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.flex_rows import cash_row, trade_rows
from transactions.files.formats.ibkr_words import CLASSES, COLUMNS, PAID, SECTIONS, SIGNATURES
from transactions.files.reading.cells import is_isin
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line, line_of
from transactions.files.reading.rows import ZERO, About, draft
from transactions.files.reading.tables import (
    Heading,
    Layout,
    Record,
    heading_of,
    read_records,
)

LAYOUT = Layout(
    name="ibkr_statement",
    columns=COLUMNS,
    required=frozenset(),
    # Each section has columns of its own, and its rows say which they need.
    optional=(
        *("level", "asset_class", "currency", "datetime", "date", "quantity", "price", "proceeds"),
        *("commission", "notes", "description", "amount", "field", "value"),
    ),
    decimal=".",
    money=dict.fromkeys(("price", "proceeds", "commission", "amount"), "currency"),
)
# Sections of cash -> the type of such rows in a Flex query.
CASH = {
    "dividends": "dividends",
    "payment in lieu of dividends": "dividends",
    "withholding tax": "withholding tax",
    "deposits & withdrawals": "deposits & withdrawals",
    "interest": "broker interest received",
    "fees": "other fees",
    "transaction fees": "other fees",
    "commission adjustments": "commission adjustments",
    "bond interest paid": "bond interest paid",
    "bond interest received": "bond interest received",
}
# A section with these columns moves cash, whatever it is called.
_OF_CASH = frozenset({"currency", "date", "description", "amount"})
_OF_UNITS = frozenset({"currency", "date", "description", "quantity"})
_OF_SECURITIES = frozenset({"amount", "symbol", "datetime", "asset_class", "level"})
_EVENTS = frozenset({"corporate actions", "transfers", "incoming/outgoing trade transfers"})
_ISIN = re.compile(r"\(([A-Z]{2}[A-Z0-9]{10})\)")
_SPLIT = re.compile(r"^([^\s(]{1,24}) ?\([A-Z0-9]{6,12}\) Split (\d{1,6}) for (\d{1,6}) \(")


@dataclass(slots=True)
class _Known:
    """What a first reading finds out about all rows."""

    account: str = ""
    levels: set[str] = field(default_factory=set)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    known = _Known()
    for section, _, line in section_lines(data, options):
        if section == "account information" and line.text("field") in COLUMNS["account"]:
            known.account = line.name("value")
        elif section == "trades":
            known.levels.add(line.text("level").upper())
    names = Fingerprints()
    for section, mark, line in section_lines(data, options):
        for row in _rows(section, mark, line, known):
            yield names.name(row, timed=line.timed)


def section_lines(data: BinaryIO, options: Options) -> Iterator[tuple[str, str, Line]]:
    """Yield (section, what the row is in it, row) of every row below a heading."""
    encoding = encoding_of(data, declared=options.encoding)
    heading, headed = None, ""
    for count, record in enumerate(read_records(data, encoding, options.delimiter or ",")):
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        section, mark = (cell.strip().casefold() for cell in (*record.cells[:2], "")[:2])
        section = SECTIONS.get(section, section)
        below = Record(record.line, record.cells[2:] or [""])
        if mark == "header":
            heading, headed = heading_of(below, LAYOUT, options, ""), section
        elif heading is None or section != headed:
            yield section, "", _bare(record, options)
        else:
            yield section, mark, _line(heading, below, options)
    if not headed:
        raise refusal("columns_missing", "The file has no section with a heading.")


def _line(heading: Heading, record: Record, options: Options) -> Line:
    order = options.date_order or "mdy"
    line = line_of(heading, record, options, decimal=".", date_order=order)
    if line.columns.keys() >= _OF_UNITS and not line.columns.keys() & _OF_SECURITIES:
        # Spanish has one word for units and amounts.
        line.columns = {**line.columns, "amount": line.columns["quantity"]}
        line.cells = {**line.cells, "amount": line.text("quantity")}
    return line


def _bare(record: Record, options: Options) -> Line:
    raw = {f"column {i}": cell for i, cell in enumerate(record.cells[:20], 1)}
    return Line(record.line, {}, {}, options, stated=raw)


def _rows(section: str, mark: str, line: Line, known: _Known) -> Iterator[ParsedRow]:
    if section != "trades" and section not in CASH and section not in _EVENTS:
        if mark == "data" and _moves_cash(line) and not is_total(line):
            yield line.refused("type_unknown", f"{section[:40]!r}")
        else:
            yield line.skip("section_not_read" if mark else "text_line")
    elif mark != "data" or is_total(line):
        yield line.skip("summary")
    elif section == "trades":
        levels = known.levels
        level = next((name for name in ("ORDER", "TRADE", "EXECUTION") if name in levels), "")
        line.needs("level", "asset_class", "currency", "datetime", "quantity", "price", "notes")
        line.needs("proceeds", "commission")
        line.cells = {**line.cells, **_trade_cells(line, known)}
        yield from trade_rows(line, level=level, costs=_costs)
    elif section in _EVENTS:
        yield _event(line, known)
    else:
        line.needs("currency", "date", "description", "amount")
        line.cells = {**line.cells, **_cash_cells(section, line, known)}
        yield cash_row(line)


def _moves_cash(line: Line) -> bool:
    """Return whether the row's section has the columns of cash, and none that we do not know."""
    names = [name for name in line.source.names if name] if line.source else []
    known = {line.columns[name] for name in line.columns}
    return line.columns.keys() >= _OF_CASH and len(names) == len(known)


def is_total(line: Line) -> bool:
    """Return whether the row is a total, which its currency or its first cell says."""
    first = line.found[0] if line.found else ""
    cells = line.text("currency").casefold(), first.casefold()
    return any(cell.startswith(("total", "gesamt")) for cell in cells)


def _costs(line: Line, _: str, currency: str) -> tuple[Decimal, Decimal, str]:
    """Return the costs of a trade: commission and taxes are one figure."""
    return line.figure("commission") or ZERO, ZERO, currency


def _trade_cells(line: Line, known: _Known) -> Mapping[str, str]:
    """Return the cells that a Flex query has besides."""
    sold = line.text("quantity").startswith("-")
    proceeds = line.figure("proceeds")
    if proceeds and (proceeds > 0) != sold:
        line.problem("amount_sign", of="proceeds")
    codes = {code.strip() for code in line.text("notes").split(";")}
    wrong, right = ("O", "C") if sold else ("C", "O")
    kind = line.text("asset_class")
    return {
        "account": line.text("account") or known.account,
        "asset_class": CLASSES.get(kind.casefold(), kind or "?"),
        "side": "SELL" if sold else "BUY",
        "open_close": wrong if wrong in codes else right,
    }


def _cash_cells(section: str, line: Line, known: _Known) -> Mapping[str, str]:
    description = line.text("description")
    kind = CASH[section]
    if section == "interest" and any(word in description.casefold() for word in PAID):
        kind = "broker interest paid"
    account = line.text("account") or known.account
    return {"account": account, "type": kind, "isin": _isin_in(line), "symbol": "", "notes": ""}


def _isin_in(line: Line) -> str:
    """Return the ISIN in `VTI(US9229087690) Cash Dividend ...`, if it is one."""
    found = _ISIN.search(line.text("description")[:200])
    return found[1] if found and is_isin(found[1]) else ""


def _event(line: Line, known: _Known) -> ParsedRow:
    found = _SPLIT.match(line.text("description"))
    added = line.quantity("quantity")
    if not found or not added or int(found[2]) <= int(found[3]) or added < 0:
        return line.refused("event_incomplete", of="description")
    account = line.name("account") or known.account
    line.cells = {**line.cells, "symbol": found[1], "isin": _isin_in(line)}
    about = About(
        at=line.happened("split", "datetime"),
        currency=line.currency("currency"),
        account=account,
        security=line.security(),
        note=line.note(line.text("description")),
    )
    return draft(line, "split", about, ratio=f"{int(found[2])}:{int(found[3])}")


FORMATS = [
    ReadFormat(
        name="ibkr_statement",
        title="Interactive Brokers activity statement",
        read=read,
        signatures=SIGNATURES,
    ),
]
