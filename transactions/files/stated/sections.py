"""Statements as delimited files: one or several tables of positions, with lines of text. Pure.

Brokers write the account and the day above the table, below it, or nowhere; they repeat the heading
for each account; and they write totals and disclaimers into the same columns.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from core.errors import InvalidInput
from core.limits import IMPORT_ROWS_MAX
from transactions.files.reading.cells import decimal_sign
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.interface import Options
from transactions.files.reading.lines import Line, line_of
from transactions.files.reading.tables import (
    DELIMITERS,
    Heading,
    Layout,
    Record,
    heading_of,
    read_records,
)

_FALLBACKS = {";": ",", "\t": ","}


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the file: under which layout it is ("" if none), and the row.

    `text` is the whole row, for titles and footers.
    """

    layout: str
    line: Line
    text: str


def rows(
    data: BinaryIO,
    options: Options,
    layouts: Sequence[Layout],
    *,
    ends: Callable[[Record], bool] | None = None,
) -> Iterator[Found]:
    """Yield every row but the headings; a row that `ends` a table belongs to no layout.

    Raises columns_missing if the file has no heading of the layouts.
    """
    encoding = encoding_of(data, declared=options.encoding)
    delimiter = _delimiter(data, encoding, options, layouts)
    sign = options.decimal or layouts[0].decimal
    if sign is None:
        sign = decimal_sign(
            _numbers(data, encoding, delimiter, options, layouts),
            fallback="," if _FALLBACKS.get(delimiter) == "," else None,
        )
    name, heading = "", None
    for count, record in enumerate(read_records(data, encoding, delimiter)):
        if count > IMPORT_ROWS_MAX:
            raise refusal("rows_too_many")
        text = " ".join(cell.strip() for cell in record.cells if cell.strip())
        found = _heading(record, options, layouts)
        if found is not None:
            name, heading = found
            continue
        if heading is not None and ends is not None and ends(record):
            name, heading = "", None
        if heading is None:
            yield Found("", Line(record.line, {}, {}, options, stated={"text": text}), text)
            continue
        order = options.date_order or layouts[0].date_order
        yield Found(name, line_of(heading, record, options, decimal=sign, date_order=order), text)


def _heading(
    record: Record, options: Options, layouts: Sequence[Layout]
) -> tuple[str, Heading] | None:
    if len(record.cells) < 3:
        return None
    for layout in layouts:
        heading = heading_of(record, layout, options, "")
        if heading is not None:
            return layout.name, heading
    return None


def _delimiter(data: BinaryIO, encoding: str, options: Options, layouts: Sequence[Layout]) -> str:
    for delimiter in (options.delimiter,) if options.delimiter else DELIMITERS:
        try:
            records = zip(range(200), read_records(data, encoding, delimiter), strict=False)
            if any(_heading(record, options, layouts) for _, record in records):
                return delimiter
        except InvalidInput as error:
            if error.code == "encoding_unknown":
                raise
            # With another delimiter the rows may be shorter.
    wanted = ", ".join(sorted(layouts[0].columns[field][0] for field in layouts[0].required))
    raise refusal("columns_missing", f"No row names all of these columns: {wanted}.")


def _numbers(
    data: BinaryIO, encoding: str, delimiter: str, options: Options, layouts: Sequence[Layout]
) -> Iterator[str]:
    places: Sequence[int] = ()
    for record in read_records(data, encoding, delimiter):
        found = _heading(record, options, layouts)
        if found is not None:
            layout = next(one for one in layouts if one.name == found[0])
            places = [found[1].fields[name] for name in layout.numbers if name in found[1].fields]
            continue
        yield from (record.cells[place] for place in places if place < len(record.cells))
