"""Suggest a mapping for a table of unknown origin: its heading, and likely meanings. Pure.

    heading   of the first rows, under the delimiter that gives the most columns, the first row of
              two or more different names of which none is a number or a day, and which the row
              below it does not exceed
    guess     a heading means the field whose words it is, or contains; each column only once. Where
              no heading says day, type or ISIN, the column whose cells all are that means it

A person confirms every guess before it is used.
"""

import codecs
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice, zip_longest

from core.errors import InvalidInput
from marketdata.identifiers import is_isin
from transactions.files.formats.ballast import COLUMNS
from transactions.files.formats.table import ADDED, LAYOUT
from transactions.files.formats.table_words import FIELD_WORDS, TYPE_WORDS
from transactions.files.reading import cells
from transactions.files.reading.cells import UnreadableDate
from transactions.files.reading.decoding import encoding_of
from transactions.files.reading.interface import Options
from transactions.files.reading.tables import (
    DELIMITERS,
    HEADING_ROWS,
    Record,
    column_names,
    heading_of,
    numbered_columns,
    plain_name,
    read_records,
    without_unit,
)
from transactions.ledger.kinds import KINDS

FIELDS = (*COLUMNS, *ADDED)
WORDS_MAX = 60
_WORD_CHARS_MAX = 60


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a table: its line, the names as the file writes them, and the delimiter."""

    line: int
    names: Sequence[str]
    delimiter: str
    encoding: str

    @property
    def fingerprint(self) -> str:
        """The same for every file with these columns in this order."""
        return sha256("\n".join(column_names(self.names)).encode()).hexdigest()


def heading_in(
    head: bytes, *, delimiter: str | None = None, numbered: bool = False
) -> Heading | None:
    """Return the heading of a table by the first bytes of its file; None if there is none.

    `numbered`: the table has no heading, and its columns get numbers.
    """
    if head.lstrip()[:1] in (b"{", b"[", b"<"):
        return None  # JSON, XML or OFX
    data = io.BytesIO(whole_lines(head))
    try:
        encoding = encoding_of(data)
    except InvalidInput:
        return None
    best: Heading | None = None
    for sign in (delimiter,) if delimiter else DELIMITERS:
        try:
            records = list(islice(read_records(data, encoding, sign), HEADING_ROWS + 1))
        except InvalidInput:
            continue  # with another delimiter the rows may be shorter
        found = (_numbered if numbered else _heading)(records, sign, encoding)
        if found is not None and (best is None or len(found.names) > len(best.names)):
            best = found
    return best


def whole_lines(head: bytes) -> bytes:
    """Return the beginning of a file without its last, perhaps incomplete line."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head[: len(head) // 2 * 2]
    cut = head.rfind(b"\n") + 1
    return head[:cut] or head


def _heading(records: Sequence[Record], delimiter: str, encoding: str) -> Heading | None:
    for record, below in zip_longest(records, records[1:]):
        cells_told = record.cells[: _width(record.cells)]
        said = [plain_name(cell) for cell in cells_told if cell.strip()]
        wide = below is not None and _width(below.cells) > len(record.cells)
        if len(set(said)) < 2 or wide or any(map(_is_value, said)):
            continue
        # A column without a name, or with one that is taken, is called as the readers call it.
        names = [
            cell.strip() if plain_name(cell) == name else name
            for cell, name in zip(cells_told, column_names(cells_told), strict=True)
        ]
        return Heading(record.line, names, delimiter, encoding)
    return None


def _numbered(records: Sequence[Record], delimiter: str, encoding: str) -> Heading | None:
    """Return numbers for the columns of rows of one width, if they begin with days or numbers."""
    widths = {len(record.cells) for record in records[:HEADING_ROWS]}
    values = [plain_name(cell) for record in records[:1] for cell in record.cells]
    if len(widths) != 1 or len(values) < 2 or not any(map(_is_value, values)):
        return None
    return Heading(0, numbered_columns(records), delimiter, encoding)


def _width(found: Sequence[str]) -> int:
    return max((place for place, cell in enumerate(found, start=1) if cell.strip()), default=0)


def _is_value(text: str) -> bool:
    if any(cells.number(text.upper(), sign) is not None for sign in (".", ",")):
        return True
    try:
        cells.moment(text, None)
    except UnreadableDate:
        return False
    return True


def guessed_columns(names: Sequence[str]) -> dict[str, str]:
    """Return the likely field of each heading: field -> heading."""
    plain = {name: without_unit(plain_name(name)) for name in names if name}
    found: dict[str, str] = {}
    for whole in (True, False):
        for field, words in FIELD_WORDS.items():
            if field in found:
                continue
            free = {name: text for name, text in plain.items() if name not in found.values()}
            name = _named(free, words, whole=whole)
            if name is not None:
                found[field] = name
    if "amount" in found and {"debit", "credit"} & found.keys():
        del found["amount"]
    return found


def guessed_fields(head: bytes, heading: Heading) -> dict[str, str]:
    """Return the likely columns by their headings, else by their cells: field -> heading."""
    found = guessed_columns(heading.names)
    columns: dict[str, list[str]] = {name: [] for name in heading.names if name}
    for record in islice(_below(head, heading), HEADING_ROWS):
        for name, cell in zip(heading.names, record.cells, strict=False):
            if name and cell.strip():
                columns[name].append(cell.strip())
    for field, says in (("executed_at", _is_day), ("type", guessed_type), ("isin", is_isin)):
        # Words such as "Kauf" often stand below a heading that means any text.
        taken = {name for other, name in found.items() if (other, field) != ("note", "type")}
        likely = next(
            (
                name
                for name, told in columns.items()
                if field not in found and name not in taken and told and all(map(says, told))
            ),
            None,
        )
        if likely is not None:
            found = {other: column for other, column in found.items() if column != likely}
            found[field] = likely
    return found


def _is_day(text: str) -> bool:
    return _is_value(text) and not any(
        cells.number(text.upper(), sign) is not None for sign in (".", ",")
    )


def _named(free: Mapping[str, str], words: Sequence[str], *, whole: bool) -> str | None:
    """Return the heading that is one of the words or, unless `whole`, contains a long one."""
    for word in words:
        for name, text in free.items():
            if text == word or (not whole and len(word) > 3 and word in text):
                return name
    return None


def guessed_type(word: str) -> str:
    """Return the likely type of a word; empty if none is likely."""
    text = plain_name(word).replace("_", " ")
    if text.replace(" ", "_") in KINDS:
        return text.replace(" ", "_")
    best = ""
    meaning = ""
    for kind, beginnings in TYPE_WORDS.items():
        for beginning in beginnings:
            if text.startswith(beginning) and len(beginning) > len(best):
                best, meaning = beginning, kind
    return meaning


def words_in(head: bytes, heading: Heading, column: str) -> list[str]:
    """Return the different words of a column in the order in which they first appear.

    `head`, here and below: the beginning of a file in whole lines.
    """
    plain = column_names(heading.names)
    wanted = plain_name(column)
    if wanted not in plain:
        return []
    place = plain.index(wanted)
    found: dict[str, None] = {}
    for record in _below(head, heading):
        word = record.cells[place].strip() if place < len(record.cells) else ""
        if word:
            found[word[:_WORD_CHARS_MAX]] = None
        if len(found) >= WORDS_MAX:
            break
    return list(found)


def examples_in(head: bytes, heading: Heading) -> list[str]:
    """Return the first cell below each name that says something."""
    found = [""] * len(heading.names)
    for record in islice(_below(head, heading), HEADING_ROWS):
        for place, cell in enumerate(record.cells[: len(found)]):
            found[place] = found[place] or cell.strip()[:_WORD_CHARS_MAX]
    return found


def _below(head: bytes, heading: Heading) -> Iterator[Record]:
    data = io.BytesIO(head)
    records: Iterable[Record] = read_records(data, heading.encoding, heading.delimiter)
    try:
        for record in records:
            if record.line > heading.line:
                yield record
    except InvalidInput:
        return  # the page shows what the reader says about it


def whole(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return a mapping that says of every column whether it is read.

    A field that the table has no column for is stated as empty if a heading has its name: else the
    reader would find it.
    """
    layout = replace(LAYOUT, required=frozenset())
    options = Options(now=datetime(1970, 1, 1, tzinfo=UTC), columns=columns)
    heading = heading_of(Record(1, list(names)), layout, options, "")
    found = heading.fields if heading else {}
    return {**columns, **dict.fromkeys((name for name in found if name not in columns), "")}
