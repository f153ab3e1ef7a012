"""Interactive Brokers: Flex queries of trades and cash transactions, as CSV or XML. Pure.

A CSV may have several sections, each with its own heading, between lines that mark files, accounts
and sections (BOF, BOA, BOS ...). Executions are read, or orders if the file has no executions. XML
is read event by event, with no document type and so no entities.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO
from xml.parsers import expat

from core.limits import IMPORT_ROW_CHARS_MAX, IMPORT_ROWS_MAX
from transactions.files.formats.declaration import ReadFormat
from transactions.files.formats.flex_columns import Proofs, check_columns
from transactions.files.formats.flex_rows import cash_row, trade_rows
from transactions.files.reading.cells import date_order
from transactions.files.reading.decoding import (
    encoding_of,
    refusal,
    text_pieces,
    xml_encoding,
)
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import Options, ParsedRow
from transactions.files.reading.lines import Line, line_of
from transactions.files.reading.tables import (
    DELIMITERS,
    Heading,
    Layout,
    Record,
    heading_of,
    plain_name,
    read_records,
)

TRADES = Layout(
    name="trades",
    columns={
        "account": ("ClientAccountID", "AccountId"),
        "asset_class": ("AssetClass", "AssetCategory"),
        "symbol": ("Symbol",),
        "isin": ("ISIN",),
        "cusip": ("CUSIP",),
        "name": ("Description",),
        "currency": ("CurrencyPrimary", "Currency"),
        "fx_rate": ("FXRateToBase",),
        "datetime": ("DateTime", "Date/Time"),
        "date": ("TradeDate",),
        "side": ("Buy/Sell", "BuySell"),
        "quantity": ("Quantity",),
        "price": ("TradePrice",),
        "money": ("TradeMoney",),
        "proceeds": ("Proceeds",),
        "commission": ("IBCommission",),
        "commission_currency": ("IBCommissionCurrency",),
        "taxes": ("Taxes",),
        "open_close": ("Open/CloseIndicator", "OpenCloseIndicator"),
        "transaction_type": ("TransactionType",),
        "level": ("LevelOfDetail",),
        "trade_id": ("TradeID",),
        "transaction_id": ("TransactionID",),
        "order_id": ("IBOrderID",),
        "notes": ("Notes/Codes", "Notes"),
        "original_id": ("OrigTradeID",),
        "net_cash": ("NetCash",),
        "multiplier": ("Multiplier",),
        "put_call": ("Put/Call",),
        "strike": ("Strike",),
    },
    required=frozenset({"side", "quantity", "price", "currency"}),
    # A query has the columns that somebody chose: a row says which it needs (`flex_columns`).
    optional=(
        *("asset_class", "fx_rate", "datetime", "date", "money", "proceeds", "commission"),
        *("commission_currency", "taxes", "open_close", "transaction_type", "level", "trade_id"),
        *("transaction_id", "notes", "original_id", "net_cash", "multiplier", "put_call", "strike"),
    ),
    decimal=".",
    money={
        **dict.fromkeys(("price", "money", "proceeds", "taxes", "net_cash"), "currency"),
        "commission": "commission_currency",
    },
)
CASH = Layout(
    name="cash",
    columns={
        "account": ("ClientAccountID", "AccountId"),
        "symbol": ("Symbol",),
        "isin": ("ISIN",),
        "cusip": ("CUSIP",),
        "currency": ("CurrencyPrimary", "Currency"),
        "fx_rate": ("FXRateToBase",),
        "datetime": ("Date/Time", "DateTime"),
        "settled": ("SettleDate",),
        "date": ("ReportDate", "Date"),
        "amount": ("Amount",),
        "type": ("Type",),
        "description": ("Description",),
        "level": ("LevelOfDetail",),
        "transaction_id": ("TransactionID",),
    },
    required=frozenset({"type", "amount", "currency", "description"}),
    optional=("fx_rate", "datetime", "settled", "date", "level", "transaction_id"),
    decimal=".",
    money={"amount": "currency"},
)
LAYOUTS = (TRADES, CASH)
SIGNATURES = (
    frozenset({"buy/sell", "quantity", "tradeprice", "currencyprimary"}),
    frozenset({"type", "amount", "currencyprimary", "description"}),
)
MARKS = frozenset({"BOF", "EOF", "BOA", "EOA", "BOS", "EOS"})
# Every heading to be read has one of these as a cell of its own.
_TELLING = frozenset({"Buy/Sell", "BuySell", "Amount"})
# Sections that nearly have the columns of cash, and state the same again.
_REPEATING = frozenset({"activitycode", "activitydescription"})
# Headings of corporate actions and of transfers of positions.
_EVENTS = frozenset({"actiondescription", "actionid", "transfercompany", "deliveringbroker"})
_PREFIXES = frozenset({"HEADER", "DATA", "TRAILER"})


def is_xml(head: bytes) -> bool:
    return b"<FlexQueryResponse" in head


def head_of(data: BinaryIO) -> bytes:
    data.seek(0)
    return data.read(4096)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    found = xml_lines if is_xml(head_of(data)) else _csv_lines
    level = "EXECUTION"
    levels: set[str] = set()
    proofs = Proofs()
    for kind, line in found(data, options):
        if kind in ("trades", "cash"):
            proofs.add(kind, line)
        if kind == "trades":
            levels.add(line.text("level").upper())
    proofs.finish()
    if levels - {""} and "EXECUTION" not in levels and "ORDER" in levels:
        level = "ORDER"
    names = Fingerprints()
    for kind, line in found(data, options):
        if kind in ("trades", "cash"):
            check_columns(line, kind, proofs)
        if kind == "trades":
            for row in trade_rows(line, level=level):
                yield names.name(row, timed=line.timed)
        elif kind == "cash":
            yield names.name(cash_row(line), timed=line.timed)
        elif kind == "event":
            yield line.refused("event_incomplete")
        elif kind == "incomplete":
            yield line.refused("column_missing")
        else:
            yield line.skip("section_not_read" if kind == "other" else "text_line")


def _csv_lines(data: BinaryIO, options: Options) -> Iterator[tuple[str, Line]]:
    """Yield (section, line) of every row; another word under any other heading.

    It is "event", "incomplete" if a section of trades or of cash lacks a column, or "other".
    """
    encoding = encoding_of(data, declared=options.encoding)
    delimiter = options.delimiter or _delimiter(data, encoding, options)
    order = options.date_order or date_order(_dates(data, encoding, delimiter, options))
    section, heading = "", None
    first = ""
    for count, record in enumerate(read_records(data, encoding, delimiter)):
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        if record.cells[0].strip().upper() in MARKS:
            continue
        record, headed = stripped(record)
        found = _heading(record, options)
        if found is not None:
            section, heading = found[0].name, found[1]
            first = plain_name(record.cells[0])
        elif _is_incomplete(record):
            section, heading = "incomplete", None
            first = plain_name(record.cells[0])
        elif headed or _is_heading(record) or (first and plain_name(record.cells[0]) == first):
            names = {plain_name(cell) for cell in record.cells}
            section, heading = ("event" if names & _EVENTS else "other"), None
        elif heading is None:
            raw = {f"column {i}": cell for i, cell in enumerate(record.cells[:20], 1)}
            yield section, Line(record.line, {}, {}, options, stated=raw)
        else:
            yield section, line_of(heading, record, options, decimal=".", date_order=order)


def stripped(record: Record) -> tuple[Record, bool]:
    """Return the row without the two prefix cells of some files, and whether it is a heading."""
    mark = record.cells[0].strip().upper()
    if mark not in _PREFIXES:
        return record, False
    return Record(record.line, record.cells[2:] or [""]), mark == "HEADER"


def _heading(record: Record, options: Options) -> tuple[Layout, Heading] | None:
    if not options.columns and not any(cell.strip() in _TELLING for cell in record.cells):
        return None  # the quick answer for nearly every row
    for layout in LAYOUTS:
        heading = heading_of(record, layout, options, "")
        if heading is not None:
            return layout, heading
    return None


_REQUIRED = [
    [frozenset(plain_name(alias) for alias in layout.columns[name]) for name in layout.required]
    for layout in LAYOUTS
]


def _is_incomplete(record: Record) -> bool:
    """Return whether the row is the heading of trades or cash that lacks one required column."""
    if len(record.cells) < len(_REQUIRED[0]) or not record.cells[0].isidentifier():
        return False  # the quick answer for most rows
    names = {plain_name(cell) for cell in record.cells}
    if names & (_REPEATING | _EVENTS):
        return False
    return any(
        sum(1 for aliases in layout if aliases & names) == len(layout) - 1 for layout in _REQUIRED
    )


def _is_heading(record: Record) -> bool:
    """Return whether a row is the heading of another section: a row of figures has digits."""
    if any(sign.isdigit() for cell in record.cells for sign in cell):
        return False
    return sum(1 for cell in record.cells if cell and not cell.isspace()) > 2


def _delimiter(data: BinaryIO, encoding: str, options: Options) -> str:
    for delimiter in DELIMITERS:
        for _, record in zip(range(200), read_records(data, encoding, delimiter), strict=False):
            if _heading(stripped(record)[0], options):
                return delimiter
    raise refusal(
        "columns_missing",
        "The file has no section of trades or cash transactions. Add one to the Flex query.",
    )


def _dates(data: BinaryIO, encoding: str, delimiter: str, options: Options) -> Iterator[str]:
    places: Sequence[int] = ()
    for record in read_records(data, encoding, delimiter):
        record, _ = stripped(record)
        found = _heading(record, options)
        if found:
            fields = found[1].fields
            places = [fields[name] for name in ("datetime", "settled", "date") if name in fields]
            continue
        yield from (record.cells[place] for place in places if place < len(record.cells))


# XML: <FlexQueryResponse><FlexStatements><FlexStatement><Trades><Trade symbol="..." .../>

_ELEMENTS = {
    "Trade": TRADES,
    "Order": TRADES,
    "CashTransaction": CASH,
}
# The element says the level where the query lacks that column.
_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    layout.name: {
        alias.casefold().replace("/", ""): field
        for field, aliases in layout.columns.items()
        for alias in reversed(aliases)
    }
    for layout in LAYOUTS
}
_XML_ONLY = {"accountid": "account", "assetcategory": "asset_class", "currency": "currency"}
# FlexQueryResponse, FlexStatements, FlexStatement, the section, the row.
_ROW_DEPTH = 5
_DEPTH_MAX = 32
# The most characters in which no tag, text or comment ends.
_SILENT_CHARS_MAX = 4 * IMPORT_ROW_CHARS_MAX
_XML_EVENTS = frozenset({"CorporateAction", "Transfer", "TradeTransfer", "OptionEAE"})


def xml_lines(data: BinaryIO, options: Options) -> Iterator[tuple[str, Line]]:
    encoding = encoding_of(data, declared=options.encoding or xml_encoding(head_of(data)))
    # The parser's own search for a codec would also find codecs that are no text encoding.
    parser = expat.ParserCreate("utf-8")
    found: list[tuple[str, Line]] = []

    def doctype(*_: object) -> None:
        raise refusal("entities_refused")

    depth = heard = 0

    def end(_: str) -> None:
        nonlocal depth, heard
        depth -= 1
        heard = 0

    def other(_: str) -> None:
        nonlocal heard
        heard = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, heard
        depth += 1
        heard = 0
        if depth > _DEPTH_MAX:
            raise refusal("document_invalid", f"Line {parser.CurrentLineNumber}: nested too deep.")
        layout = _ELEMENTS.get(name)
        if not attributes or depth < _ROW_DEPTH:
            return
        if layout is None:
            raw = {"element": name, **attributes}
            line = Line(parser.CurrentLineNumber, {}, {}, options, stated=raw)
            found.append(("event" if name in _XML_EVENTS else "other", line))
            return
        place = (parser.CurrentLineNumber, parser.CurrentColumnNumber)
        line = _element(name, attributes, layout, place, options)
        found.append((layout.name, line))

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.DefaultHandler = other
    count = 0
    try:
        for piece in text_pieces(data, encoding):
            heard += len(piece)
            if heard > _SILENT_CHARS_MAX:
                # Older parsers read an open tag again from its beginning with every piece.
                raise refusal("document_invalid", "A tag never ends.")
            parser.Parse(piece.encode(), False)
            count += len(found)
            if count > IMPORT_ROWS_MAX:
                raise refusal("rows_too_many")
            yield from found
            found.clear()
        parser.Parse(b"", True)
    except (expat.ExpatError, UnicodeError, ValueError) as error:
        raise refusal("document_invalid", str(error)) from error
    yield from found


def _element(
    name: str,
    attributes: Mapping[str, str],
    layout: Layout,
    place: tuple[int, int],
    options: Options,
) -> Line:
    """Return the row of one XML element."""
    known = {**_ATTRIBUTES[layout.name], **_XML_ONLY}
    cells = {known[k.casefold()]: v for k, v in attributes.items() if k.casefold() in known}
    if name == "Order":
        cells["level"] = "ORDER"
    elif name == "Trade" and not cells.get("level"):
        cells["level"] = "EXECUTION"
    return Line(
        place[0],
        cells,
        columns={field: layout.columns[field][0] for field in cells if field in layout.columns},
        options=options,
        stated={key: value for key, value in attributes.items() if value},
        date_order="ymd",
        money=layout.money,
        group=f"{place[0]}:{place[1]}",
    )


FORMATS = [
    ReadFormat(
        name="ibkr_flex",
        title="Interactive Brokers Flex",
        read=read,
        is_head=is_xml,
        signatures=SIGNATURES,
        layouts=[*LAYOUTS],
    ),
]
