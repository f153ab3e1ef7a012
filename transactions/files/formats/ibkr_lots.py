"""Interactive Brokers: the closed lots of a Flex query, for comparing them with ours. Pure.

    <Trade levelOfDetail="EXECUTION" ...>
    <Lot levelOfDetail="CLOSED_LOT" tradeDate="20240610" openDateTime="20230104;093000" quantity="5"
         cost="500.5" fifoPnlRealized="49.5" .../>

A lot states its cost and its realized result, with commissions; the proceeds are both together. The
result is before wash sales: rows of the level WASH_SALE stand apart and are not read. In CSV the
same rows have the level in LevelOfDetail.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from core.limits import IMPORT_ROWS_MAX
from core.money import plain
from transactions.files.formats.declaration import RealizedFormat
from transactions.files.formats.flex_rows import UNITS
from transactions.files.formats.ibkr_flex import MARKS, head_of, is_xml, stripped, xml_lines
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.interface import Options, RealizedRow
from transactions.files.reading.lines import Line, line_of
from transactions.files.reading.realized import realized_row, skipped
from transactions.files.reading.rows import ZERO
from transactions.files.reading.tables import (
    DELIMITERS,
    Heading,
    Layout,
    heading_of,
    plain_name,
    read_records,
)

LAYOUT = Layout(
    name="ibkr_lots",
    columns={
        "account": ("ClientAccountID", "AccountId"),
        "currency": ("CurrencyPrimary", "Currency"),
        "asset_class": ("AssetClass", "AssetCategory"),
        "symbol": ("Symbol",),
        "isin": ("ISIN",),
        "cusip": ("CUSIP",),
        "name": ("Description",),
        "quantity": ("Quantity",),
        "cost": ("CostBasis", "Cost"),
        "result": ("FifoPnlRealized",),
        "closed": ("TradeDate", "ReportDate"),
        "opened": ("OpenDateTime",),
        "level": ("LevelOfDetail",),
    },
    required=frozenset({"symbol", "quantity", "cost", "result", "closed", "opened", "level"}),
    optional=("currency", "asset_class"),
    decimal=".",
    date_order="ymd",
)


def read(data: BinaryIO, options: Options) -> Iterator[RealizedRow]:
    for line in _xml(data, options) if is_xml(head_of(data)) else _csv(data, options):
        if line.text("level").upper() != "CLOSED_LOT":
            yield skipped(line, "section_not_read")
        elif line.text("asset_class").upper() not in UNITS:
            line.problem("asset_class_not_supported", of="asset_class")
            yield RealizedRow(line.number, None, tuple(line.problems), raw=line.raw)
        else:
            yield _lot(line)


def _lot(line: Line) -> RealizedRow:
    currency = line.code("currency")
    if currency != "USD":
        # The comparison is in the account's currency; lots in another one need their rates.
        line.problem("currency_invalid", f"The lot is in {currency[:3] or 'no currency'}.")
        return RealizedRow(line.number, None, tuple(line.problems), raw=line.raw)
    cost, result = line.figure("cost"), line.figure("result")
    if cost is not None and result is not None:
        proceeds = plain(abs(cost) + result)
        line.cells = {**line.cells, "cost": plain(abs(cost or ZERO)), "proceeds": proceeds}
    return realized_row(line, line.text("account"))


def _xml(data: BinaryIO, options: Options) -> Iterator[Line]:
    known = {plain_name(alias): f for f, names in LAYOUT.columns.items() for alias in names}
    for _, line in xml_lines(data, options):
        if line.raw.get("element") == "Lot":
            line.cells = {
                known[plain_name(k)]: v for k, v in line.raw.items() if plain_name(k) in known
            }
            line.date_order = "ymd"
            line.options = _dollars(options)
            yield line


def _csv(data: BinaryIO, options: Options) -> Iterator[Line]:
    encoding = encoding_of(data, declared=options.encoding)
    options = _dollars(options)
    for delimiter in DELIMITERS:
        heading: Heading | None = None
        first, seen = "", False
        for count, record in enumerate(read_records(data, encoding, delimiter)):
            if count > IMPORT_ROWS_MAX:
                raise refusal("rows_too_many")
            if record.cells[0].strip().upper() in MARKS:
                continue
            record, headed = stripped(record)
            found = heading_of(record, LAYOUT, options, "")
            if found is not None:
                heading, first, seen = found, plain_name(record.cells[0]), True
            elif headed or (first and plain_name(record.cells[0]) == first):
                heading = None
            elif heading is not None:
                yield line_of(heading, record, options, decimal=".", date_order="ymd")
        if seen:
            return
    raise refusal("columns_missing", "The file has no closed lots. Add them to the Flex query.")


def _dollars(options: Options) -> Options:
    return replace(options, currency="USD")


FORMATS = [
    RealizedFormat(
        name="ibkr_lots",
        title="Interactive Brokers closed lots",
        read=read,
        signatures=[{"fifopnlrealized", "opendatetime", "levelofdetail", "costbasis"}],
    ),
]
