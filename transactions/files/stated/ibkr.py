"""Interactive Brokers: open positions and cash of Flex queries and activity statements. Pure.

    Flex         OpenPosition (level SUMMARY; LOT and ORDER repeat it), CashReportCurrency
    Statement    Open Positions (Summary), Cash Report (Ending Cash); the day is the end of Period

`BASE_SUMMARY` and `Base Currency Summary` are all currencies, converted into the base currency: in
a Flex query that whose rate (FXRateToBase) is 1.
`endingCash` counts a trade on its day, `endingSettledCash` on the day of its settlement.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import BinaryIO

from core.limits import IMPORT_ROWS_MAX, NAME_LENGTH_MAX
from transactions.files.formats.flex_rows import NOT_OPTIONS, UNITS
from transactions.files.formats.ibkr_flex import MARKS, head_of, is_xml, stripped, xml_lines
from transactions.files.formats.ibkr_statement import is_total, section_lines
from transactions.files.formats.ibkr_words import CLASSES
from transactions.files.reading.cells import UnreadableDate, is_isin, moment
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.interface import Options
from transactions.files.reading.lines import Line, line_of
from transactions.files.reading.tables import (
    DELIMITERS,
    Heading,
    Layout,
    heading_of,
    plain_name,
    read_records,
)
from transactions.files.stated.interface import Collector, Statement, StatementFormat

POSITIONS = Layout(
    name="positions",
    columns={
        "account": ("ClientAccountID", "AccountId"),
        "currency": ("CurrencyPrimary", "Currency"),
        "asset_class": ("AssetClass", "AssetCategory"),
        "symbol": ("Symbol",),
        "isin": ("ISIN",),
        "cusip": ("CUSIP",),
        "name": ("Description",),
        "quantity": ("Quantity", "Position"),
        "mark": ("MarkPrice",),
        "value": ("PositionValue",),
        "cost": ("CostBasisMoney",),
        "level": ("LevelOfDetail",),
        "day": ("ReportDate",),
        "fx_rate": ("FXRateToBase",),
    },
    required=frozenset({"quantity", "mark", "symbol"}),
    optional=("currency", "asset_class", "value", "cost", "level", "day", "fx_rate"),
    decimal=".",
    money={"value": "currency", "cost": "currency"},
)
CASH = Layout(
    name="cash",
    columns={
        "account": ("ClientAccountID", "AccountId"),
        "currency": ("CurrencyPrimary", "Currency"),
        "amount": ("EndingCash",),
        "settled": ("EndingSettledCash",),
        "day": ("ToDate",),
    },
    required=frozenset({"currency", "amount"}),
    optional=("settled", "day"),
    decimal=".",
)
_ELEMENTS = {"OpenPosition": POSITIONS, "CashReportCurrency": CASH}
_WHOLE = frozenset({"BASE_SUMMARY", "BASE CURRENCY SUMMARY"})


def read_flex(data: BinaryIO, options: Options) -> Statement:
    found = Collector()
    lines = _xml_lines if is_xml(head_of(data)) else _csv_lines
    base, wholes = options.base_currency, list[Line]()
    for layout, line in lines(data, options):
        if layout == "positions":
            # The currency with the rate 1 is the base.
            base = line.code("currency") if line.text("fx_rate") == "1" else base
            _position(found, line, line.name("account"), _day(line.text("day")))
        elif line.text("currency").upper() in _WHOLE:
            wholes.append(line)
        else:
            _cash(found, line, line.name("account"), _day(line.text("day")), base)
    for line in wholes:
        _cash(found, line, line.name("account"), _day(line.text("day")), base)
    return found.statement()


def _position(found: Collector, line: Line, account: str, day: date | None) -> None:
    if line.text("level").upper() not in ("", "SUMMARY"):
        found.states_positions = True
        return
    kind = line.text("asset_class").upper()
    if kind == "CASH":
        return
    if kind not in UNITS:
        line.problem("asset_class_not_supported" if kind in NOT_OPTIONS else "option_not_supported")
    found.position(line, account=account, day=day)


def _cash(found: Collector, line: Line, account: str, day: date | None, base: str) -> None:
    whole = line.text("currency").upper() in _WHOLE
    if whole and not base:
        return  # the file does not say which currency that is
    found.balance(line, account=account, day=day, currency=base if whole else "", is_whole=whole)


def _xml_lines(data: BinaryIO, options: Options) -> Iterator[tuple[str, Line]]:
    for _, line in xml_lines(data, options):
        raw = line.raw
        element = raw.get("element", "")
        layout = _ELEMENTS.get(element)
        if layout is None:
            continue
        known = {plain_name(alias): f for f, names in layout.columns.items() for alias in names}
        line.cells = {known[plain_name(k)]: v for k, v in raw.items() if plain_name(k) in known}
        line.date_order = "ymd"
        yield layout.name, line


def _csv_lines(data: BinaryIO, options: Options) -> Iterator[tuple[str, Line]]:
    encoding = encoding_of(data, declared=options.encoding)
    delimiter = options.delimiter or _delimiter(data, encoding, options)
    heading: Heading | None = None
    name = first = ""
    for count, record in enumerate(read_records(data, encoding, delimiter)):
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        if record.cells[0].strip().upper() in MARKS:
            continue
        record, headed = stripped(record)
        found = next(
            (
                (layout.name, heading_)
                for layout in (POSITIONS, CASH)
                if (heading_ := heading_of(record, layout, options, "")) is not None
            ),
            None,
        )
        if found is not None:
            (name, heading), first = found, plain_name(record.cells[0])
        elif headed or (first and plain_name(record.cells[0]) == first):
            heading = None
        elif heading is not None:
            yield name, line_of(heading, record, options, decimal=".", date_order="ymd")


def _delimiter(data: BinaryIO, encoding: str, options: Options) -> str:
    for delimiter in DELIMITERS:
        for record in read_records(data, encoding, delimiter):
            record, _ = stripped(record)
            if any(heading_of(record, one, options, "") for one in (POSITIONS, CASH)):
                return delimiter
    raise refusal(
        "columns_missing",
        "The file has no section of open positions or cash. Add one to the Flex query.",
    )


def _day(text: str) -> date | None:
    try:
        return moment(text, "ymd").day
    except UnreadableDate:
        return None


# The activity statement.


def read_statement(data: BinaryIO, options: Options) -> Statement:
    found = Collector()
    about: dict[str, str] = {}
    isins: dict[str, str] = {}
    for section, mark, line in section_lines(data, options):
        if section in ("statement", "account information") and mark == "data":
            about[line.text("field").casefold()] = line.text("value")
        elif section == "financial instrument information" and mark == "data":
            isins[line.text("symbol")] = line.raw.get("Security ID", "")
    account, base = (
        about.get("account", "")[:NAME_LENGTH_MAX],
        about.get("base currency", "")[:3].upper(),
    )
    day = _day(about.get("period", "").rpartition(" - ")[2])
    for section, mark, line in section_lines(data, options):
        if mark != "data" or is_total(line):
            continue
        if section in ("open positions", "long open positions", "short open positions"):
            _row(found, line, line.name("account") or account, day, isins)
        elif section == "cash report":
            _balance(found, line, line.name("account") or account, day, base)
    return found.statement()


def _row(
    found: Collector, line: Line, account: str, day: date | None, isins: Mapping[str, str]
) -> None:
    kind = CLASSES.get(line.text("asset_class").casefold(), "OPT")
    raw, symbol = line.raw, line.text("symbol")
    line.cells = {
        **line.cells,
        "asset_class": kind,
        "value": raw.get("Value", ""),
        "cost": raw.get("Cost Basis", ""),
    }
    if line.text("level").upper() == "LOT":
        return
    line.cells = {**line.cells, "level": "SUMMARY"}
    number = isins.get(symbol, "")
    if is_isin(number):
        line.cells = {**line.cells, "isin": number}
    _position(found, line, account, day)


def _balance(found: Collector, line: Line, account: str, day: date | None, base: str) -> None:
    if line.raw.get("Currency Summary", "").casefold() != "ending cash":
        return
    line.cells = {"currency": line.text("currency"), "amount": line.raw.get("Total", "")}
    _cash(found, line, account, day, base)


def _is_statement(head: bytes) -> bool:
    return head[:40].lstrip(b"\xef\xbb\xbf").startswith((b"Statement,Header", b"Statement,Data"))


STATEMENTS = [
    StatementFormat(
        name="ibkr_flex",
        title="Interactive Brokers Flex",
        read=read_flex,
        is_head=is_xml,
        signatures=[
            {"symbol", "quantity", "markprice", "positionvalue"},
            {"currencyprimary", "endingcash"},
        ],
    ),
    StatementFormat(
        name="ibkr_statement",
        title="Interactive Brokers activity statement",
        read=read_statement,
        is_head=_is_statement,
    ),
]
