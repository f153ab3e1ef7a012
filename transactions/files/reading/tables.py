"""Delimited files: the delimiter, the heading, and the rows under it. Pure.

The heading is the first of the first `HEADING_ROWS` rows that names every required field of the
layout, with any delimiter. The rows above it are a title. Names match regardless of case, spaces
and the byte order mark. An unnamed column takes the name of the one before it and `+1` (DEGIRO
leaves the currency's column unnamed); so does a repeated name.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import SEEK_END
from itertools import islice
from typing import BinaryIO

from core.currencies import CURRENCIES, minor_unit_of
from core.errors import InvalidInput
from core.limits import IMPORT_COLUMNS_MAX, IMPORT_ROW_CHARS_MAX, IMPORT_ROWS_MAX
from transactions.files.reading.cells import (
    DecimalSign,
    date_order,
    decimal_sign,
    is_other_order,
    is_other_sign,
    sign_in,
)
from transactions.files.reading.decoding import encoding_of, refusal, text_lines
from transactions.files.reading.interface import DateOrder, Options

DELIMITERS = (",", ";", "\t", "|")
HEADING_ROWS = 30
# A longer cell is no heading; text above a heading is shown and searched up to this length.
_NAME_CHARS_MAX = 200
_TITLE_CHARS_MAX = 500
_TAIL_BYTES = 1_024
# An alias with this end has a variable part: anything, or the code of a currency.
_VARIABLE = ("*", "¤")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of one format: field -> its possible headings.

    All `required` fields must be there, and none of `absent`, which another layout has. Every
    column is required but for those that only describe or identify (`DESCRIBING`) and the
    `optional` ones: without them no figure changes, or the rows that depend on them are refused
    (`Line.needs`). The cells of `dates` and `numbers` prove the day order and the decimal sign;
    `date_order` and `decimal` are what a broker writes, which counts if no cell proves that a
    spreadsheet has changed it. `money`: field of an amount -> field of its currency, which may be a
    minor unit. The heading is one of the first `heading_rows` rows. People write some files
    `by_hand`.
    """

    name: str
    columns: Mapping[str, Sequence[str]]
    required: frozenset[str]
    optional: Collection[str] = ()
    absent: frozenset[str] = frozenset()
    dates: Sequence[str] = ()
    numbers: Sequence[str] = ()
    decimal: DecimalSign | None = None
    date_order: DateOrder | None = None
    money: Mapping[str, str] = field(default_factory=dict)
    heading_rows: int = HEADING_ROWS
    by_hand: bool = False
    # For each required field that has no variable name, the names by which it can be found.
    found_by: Sequence[frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        declared = self.required | self.absent | DESCRIBING | set(self.optional)
        forgotten = sorted(self.columns.keys() - declared)
        assert not forgotten, f"{self.name}: may a file lack {', '.join(forgotten)}?"
        stated = [self.columns.get(name, ()) for name in sorted(self.required)]
        plain = [{plain_name(alias) for alias in aliases} for aliases in stated]
        found_by = tuple(
            frozenset(names | {without_unit(name) for name in names})
            for names in plain
            if not any(name.endswith(_VARIABLE) for name in names)
        )
        object.__setattr__(self, "found_by", found_by)

    def is_figure(self, name: str) -> bool:
        """Return whether a field has figures, whose decimal sign is that of the file."""
        return name in self.numbers or name in self.money or name in _FIGURES


# Fields that describe or identify: no figure depends on them unless a layout requires them.
DESCRIBING = frozenset(
    {
        *("name", "note", "account", "symbol", "isin", "cusip", "id", "order_id", "order_next"),
        *("time", "clock", "balance", "balance_currency"),
    }
)
_FIGURES = frozenset({"quantity", "price", "amount", "fee", "tax", "total", "cost", "value"})


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a delimited file and the line on which it begins."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a row, if it is a heading, and all by which a field may find one of them."""

    listed: Sequence[str]
    known: frozenset[str]

    def may_be(self, layout: Layout) -> bool:
        """Return False if the row certainly lacks a required field of the layout."""
        return not any(self.known.isdisjoint(names) for names in layout.found_by)


@dataclass(frozen=True, slots=True)
class Heading:
    """The line of the heading, the place of each field, and its name in the file."""

    line: int
    names: Sequence[str]
    fields: Mapping[str, int]
    columns: Mapping[str, str]
    title: str
    money: Mapping[str, str]
    # The headings that each field may have, whether the file has one or not.
    aliases: Mapping[str, Sequence[str]]
    # Columns whose figures are not all in the file's decimal sign: each has to prove its own.
    mixed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """A delimited file whose layout is known; `records` reads it again from its beginning."""

    data: BinaryIO
    encoding: str
    delimiter: str
    heading: Heading
    decimal: DecimalSign
    date_order: DateOrder | None
    layout: Layout
    # The end of a file's last line if it has no line end, so that its last row may be cut off.
    tail: str = ""

    def records(self) -> Iterator[Record]:
        """Yield the rows below the heading, without blank ones."""
        found = below(self.heading, read_records(self.data, self.encoding, self.delimiter))
        for count, record in enumerate(found, start=1):
            if count > IMPORT_ROWS_MAX:
                raise refusal("rows_too_many")
            yield record


def plain_name(text: str) -> str:
    """Return a heading in the form for comparison: compatibility form, lower case, single spaces.

    Only its beginning is used: sorting combining marks takes quadratic time.
    """
    text = text[:_NAME_CHARS_MAX]
    text = unicodedata.normalize("NFKC", text.replace("\ufeff", ""))
    return " ".join(text.casefold().split())


def read_records(data: BinaryIO, encoding: str, delimiter: str) -> Iterator[Record]:
    """Yield every row that is not blank."""
    return parse_records(text_lines(data, encoding), delimiter)


def parse_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    size = 0

    def counted() -> Iterator[str]:
        nonlocal size
        for line in lines:
            size += len(line)
            if size > IMPORT_ROW_CHARS_MAX:
                raise refusal("row_too_long")
            yield line

    reader = csv.reader(counted(), delimiter=delimiter)
    while True:
        size, line = 0, reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise refusal("row_too_long", f"Line {line}: {error}.") from error
        if cells is None:
            return
        if len(cells) > IMPORT_COLUMNS_MAX:
            raise refusal("columns_too_many")
        if any(cell and not cell.isspace() for cell in cells):
            yield Record(line, cells)


def column_names(cells: Sequence[str]) -> list[str]:
    """Return names in the form for comparison, with unnamed and repeated ones made different."""
    names: list[str] = []
    seen: set[str] = set()
    previous = ""
    for cell in cells:
        plain = plain_name(cell)
        name = plain or (f"{previous}+1" if previous else "")
        while name and name in seen:
            name += "+1"
        previous = plain
        seen.add(name)
        names.append(name)
    return names


def names_of(record: Record) -> Names:
    """Return the names of a row, which is compared with many layouts."""
    listed = column_names(record.cells)
    named = {name for name in listed if name}
    return Names(listed, frozenset(named | {without_unit(name) for name in named}))


def heading_of(
    record: Record, layout: Layout, options: Options, title: str, names: Names | None = None
) -> Heading | None:
    """Return the row as a heading of the layout, or None if it is not one.

    `names`: those of the row, if the caller knows them.
    """
    names = names or names_of(record)
    if not options.columns and not names.may_be(layout):
        return None  # most rows and most layouts
    places = {name: place for place, name in reversed(list(enumerate(names.listed))) if name}
    fields = _fields(layout, options, places)
    if not layout.required <= fields.keys() or layout.absent & fields.keys():
        return None
    headings = [cell.strip() for cell in record.cells]
    columns = {field: headings[place] or field for field, place in fields.items()}
    return Heading(record.line, headings, fields, columns, title, layout.money, layout.columns)


def _fields(layout: Layout, options: Options, places: Mapping[str, int]) -> dict[str, int]:
    """Return the place of each field that a heading names.

    Whole names go first; then names that differ in a unit or zone in brackets, then names with a
    variable part. These match only a column that no other field has, if it is the only one.
    """
    aliases = {
        name: [_plain_alias(alias) for alias in _stated(name, stated, options)]
        for name, stated in layout.columns.items()
    }
    fields: dict[str, int] = {}
    for name, stated in aliases.items():
        place = next((places[alias] for alias in stated if alias in places), None)
        if place is not None:
            fields[name] = place
    for places_of in (_without_units, _of_pattern):
        free = {text: place for text, place in places.items() if place not in fields.values()}
        places_by = places_of(free)
        for name, stated in aliases.items():
            found = None if name in fields else next(filter(None, map(places_by, stated)), None)
            if found is not None and len(found) == 1 and found[0] not in fields.values():
                fields[name] = found[0]
    return fields


def _stated(name: str, aliases: Sequence[str], options: Options) -> Sequence[str]:
    return (options.columns[name],) if name in options.columns else aliases


_plain_alias = lru_cache(maxsize=4096)(plain_name)


def _without_units(free: Mapping[str, int]) -> Callable[[str], Sequence[int]]:
    """Return a search for the columns that have an alias's name but for a unit or zone."""
    bare: dict[str, list[int]] = {}
    for text, place in free.items():
        bare.setdefault(without_unit(text), []).append(place)
    return lambda alias: bare.get(without_unit(alias), ())


def _of_pattern(free: Mapping[str, int]) -> Callable[[str], Sequence[int]]:
    """Return a search by aliases in which `*` is anything and `¤` the code of a currency."""

    def search(alias: str) -> Sequence[int]:
        if not alias.endswith(_VARIABLE):
            return ()
        return [place for text, place in free.items() if _has_form(text, alias)]

    return search


def _has_form(name: str, alias: str) -> bool:
    if name.endswith("+1"):
        return False
    if alias.endswith("¤"):
        code = name.removeprefix(alias[:-1])
        return code != name and code.upper() in CURRENCIES
    if not alias.endswith("*"):
        return False
    if alias.startswith("*"):
        return alias[1:-1] in name
    return name.startswith(alias[:-1])


_ZONES = frozenset(
    [
        *("utc", "gmt", "bst", "cet", "cest", "mez", "mesz", "est", "edt", "cst", "cdt"),
        *("mst", "mdt", "pst", "pdt", "jst", "aest"),
    ]
)
_UNIT = re.compile(
    r"[$€£¥%]|us\$|(?:in )?(?P<code>[a-z]{3,4})|(?:utc|gmt)?[-+]\d{1,2}(?::?\d\d)?"
    r"|[a-z]{1,16}/[a-z_]{1,16}"
)


def without_unit(name: str) -> str:
    """Return a heading, in the form for comparison, without a unit or zone in brackets at its end.

    `time (utc)` is `time` and `price (usd)` is `price`; `currency (total)` stays as it is.
    """
    if name[-1:] not in (")", "]"):
        return name
    start = name.rfind("(" if name[-1] == ")" else "[")
    inner = name[start + 1 : -1].strip()
    match = _UNIT.fullmatch(inner) if start > 0 and len(inner) <= _UNIT_CHARS_MAX else None
    if match is None:
        return name
    code = match["code"]
    known = code is None or code in _ZONES or code.upper() in CURRENCIES or minor_unit_of(code)
    return name[:start].strip() if known else name


_UNIT_CHARS_MAX = 32


def numbered_columns(records: Iterable[Record]) -> list[str]:
    """Return names for the columns of a table without a heading: column 1, column 2."""
    width = max((len(record.cells) for record in islice(records, HEADING_ROWS)), default=0)
    return [f"column {place}" for place in range(1, width + 1)]


def find_heading(records: Iterable[Record], layout: Layout, options: Options) -> Heading | None:
    if options.without_heading:
        return heading_of(Record(0, numbered_columns(records)), layout, options, "")
    title = ""
    for count, record in enumerate(records):
        if count >= layout.heading_rows:
            return None
        heading = heading_of(record, layout, options, title)
        if heading:
            return heading
        if len(title) < _TITLE_CHARS_MAX:
            said = " ".join(cell for cell in record.cells if cell and not cell.isspace())
            title = " ".join(f"{title} {said[:_TITLE_CHARS_MAX]}".split())[:_TITLE_CHARS_MAX]
    return None


def below(heading: Heading, records: Iterator[Record]) -> Iterator[Record]:
    for record in records:
        if record.line > heading.line:
            yield record


def open_table(data: BinaryIO, options: Options, layouts: Sequence[Layout]) -> tuple[Layout, Table]:
    """Return the first matching layout and the table: delimiter, decimal sign and day order."""
    for name in options.columns:
        if all(name not in layout.columns for layout in layouts):
            raise refusal(
                "options_invalid", f"The format has no field {name[:40]!r}.", field="columns"
            )
    encoding = encoding_of(data, declared=options.encoding)
    if options.delimiter is not None and options.delimiter not in DELIMITERS:
        raise refusal(
            "options_invalid", "Choose a comma, a semicolon, a tab or a bar.", field="delimiter"
        )
    for delimiter in _delimiters(data, encoding, options):
        for layout in layouts:
            try:
                heading = find_heading(read_records(data, encoding, delimiter), layout, options)
            except InvalidInput as error:
                if error.code == "encoding_unknown":
                    raise
                continue  # with another delimiter the rows may be shorter
            if heading:
                return layout, _styled(data, encoding, delimiter, heading, layout, options)
    if next(read_records(data, encoding, ","), None) is None:
        raise refusal("file_empty")
    wanted = ", ".join(sorted(layouts[0].columns[field][0] for field in layouts[0].required))
    raise refusal(
        "columns_missing", f"No row names all of these columns: {wanted}. Choose another format."
    )


def _delimiters(data: BinaryIO, encoding: str, options: Options) -> Sequence[str]:
    """Return the delimiters to try, the likeliest first.

    Without a heading that is the one under which all rows have the same number of cells, and most.
    """
    if options.delimiter:
        return (options.delimiter,)
    if not options.without_heading:
        return DELIMITERS

    def evenness(delimiter: str) -> tuple[bool, int]:
        try:
            found = list(islice(read_records(data, encoding, delimiter), HEADING_ROWS))
        except InvalidInput:
            return False, 0
        widths = {len(record.cells) for record in found}
        return len(widths) == 1, max(widths, default=0)

    return sorted(DELIMITERS, key=evenness, reverse=True)


def _styled(
    data: BinaryIO,
    encoding: str,
    delimiter: str,
    heading: Heading,
    layout: Layout,
    options: Options,
) -> Table:
    def cells(fields: Sequence[str]) -> Iterator[str]:
        places = [heading.fields[field] for field in fields if field in heading.fields]
        for record in below(heading, read_records(data, encoding, delimiter)):
            for place in places:
                if place < len(record.cells):
                    yield record.cells[place]

    days = [name for name in heading.fields if name in layout.dates or "date" in name]
    order, sign, mixed = options.date_order, options.decimal, frozenset[str]()
    if order and is_other_order(cells(days), order):
        raise refusal("date_order_contradicted", field="date_order")
    if sign and is_other_sign(cells(layout.numbers), sign):
        raise refusal("number_style_contradicted", field="decimal")
    try:
        order = order or date_order(cells(days))
    except InvalidInput as error:
        if layout.date_order is None or error.code == "date_order_mixed":
            raise
    if sign is None and layout.decimal is None:
        sign = decimal_sign(cells(layout.numbers), fallback=_FALLBACKS.get(delimiter))
    elif sign is None:
        rows = below(heading, read_records(data, encoding, delimiter))
        sign, mixed = _proved_sign(heading, layout, rows)
    return Table(
        data,
        encoding,
        delimiter,
        replace(heading, mixed=mixed),
        sign or layout.decimal or ".",
        order or layout.date_order,
        layout,
        _open_tail(data, encoding),
    )


def _proved_sign(
    heading: Heading, layout: Layout, rows: Iterable[Record]
) -> tuple[DecimalSign | None, frozenset[str]]:
    """Return the decimal sign that the columns prove, and the columns that are not in it alone.

    Brokers write one sign in one column and the other in the next, now and then within a column.
    """
    proved: dict[str, set[DecimalSign | None]] = {
        name: set() for name in heading.fields if layout.is_figure(name)
    }
    places = [(heading.fields[name], signs) for name, signs in proved.items()]
    for record in rows:
        for place, signs in places:
            if place < len(record.cells) and len(signs) < 2:
                sign, is_proof = sign_in(record.cells[place])
                if is_proof:
                    signs.add(sign)
    one = [next(iter(signs)) for signs in proved.values() if len(signs) == 1]
    found = one[0] if len(set(one)) == 1 else layout.decimal
    return found, frozenset(name for name, signs in proved.items() if signs - {found})


def _open_tail(data: BinaryIO, encoding: str) -> str:
    """Return the end of a file whose last character is no line end, else nothing."""
    data.seek(0, SEEK_END)
    # Not within a letter of two or four bytes.
    data.seek(max(0, (data.tell() - _TAIL_BYTES) // 4 * 4))
    tail = data.read()
    if tail.rstrip(b"\0")[-1:] in (b"", b"\n", b"\r"):
        return ""
    if encoding == "utf-16":
        data.seek(0)
        encoding = "utf-16-be" if data.read(2) == codecs.BOM_UTF16_BE else "utf-16-le"
    return tail.decode(encoding, errors="replace")


# A file is separated by semicolons because the comma is its decimal sign.
_FALLBACKS: Mapping[str, DecimalSign] = {",": ".", ";": ","}
