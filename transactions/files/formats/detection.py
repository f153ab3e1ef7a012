"""The detection of a file's format among all declared ones. Pure.

A new format is a module beside this one that declares `FORMATS` (see `declaration`).
"""

import codecs
import importlib
import io
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO

from core.errors import InvalidInput
from transactions.files import formats
from transactions.files.formats.declaration import ReadFormat, RealizedFormat
from transactions.files.reading.corrections import corrected
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.interface import Options, Parsed
from transactions.files.reading.tables import (
    DELIMITERS,
    HEADING_ROWS,
    Record,
    heading_of,
    names_of,
    plain_name,
    read_records,
    without_unit,
)

HEAD_BYTES = 65_536
_NO_OPTIONS = Options(now=datetime(1970, 1, 1, tzinfo=UTC))


def _declared() -> Iterator[ReadFormat | RealizedFormat]:
    for module in pkgutil.iter_modules(formats.__path__, formats.__name__ + "."):
        if module.name != __name__:
            yield from getattr(importlib.import_module(module.name), "FORMATS", ())


_DECLARED = sorted(_declared(), key=lambda declared: declared.name)
FORMATS: Mapping[str, ReadFormat] = {
    declared.name: replace(declared, read=corrected(declared.read))
    for declared in _DECLARED
    if isinstance(declared, ReadFormat)
}
REALIZED: Mapping[str, RealizedFormat] = {
    declared.name: declared for declared in _DECLARED if isinstance(declared, RealizedFormat)
}
# The signature that names most headings is tried first.
_SIGNATURES = sorted(
    (
        (declared.name, frozenset(signature))
        for declared in _DECLARED
        for signature in declared.signatures
    ),
    key=lambda found: (-len(found[1]), found[0]),
)


_HEADINGS: Mapping[str, frozenset[str]] = {
    declared.name: frozenset(
        without_unit(plain_name(alias))
        for layout in declared.layouts
        for aliases in layout.columns.values()
        for alias in aliases
    )
    for declared in FORMATS.values()
}
_EVERY_HEADING = frozenset[str]().union(*_HEADINGS.values())
# Headings of one format that no other one has.
_TELLING: Mapping[str, frozenset[str]] = {
    name: headings.difference(*(other for of, other in _HEADINGS.items() if of != name))
    for name, headings in _HEADINGS.items()
}


@dataclass(frozen=True, slots=True)
class Recognized:
    """The format of a file, and how sure that is: 1 if it has all that identifies the format, else
    the part of its columns that the format knows.
    """

    name: str
    score: Decimal


def detect(head: bytes) -> str | None:
    """Return a file's format by its first `HEAD_BYTES` bytes; None if it is unknown.

    Raises archive_not_accepted and encoding_unknown. The answer may also be a format of
    `REALIZED`: lots that a broker closed, not transactions.
    """
    found = recognize(head)
    return found.name if found else None


def recognize(head: bytes) -> Recognized | None:
    """Return a file's format as `detect` does, with how sure that is."""
    head = head[:HEAD_BYTES]
    # A head may end within a letter or a row.
    cut = len(head)
    if cut == HEAD_BYTES:
        marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        cut = cut if marked else head.rfind(b"\n") + 1
        while not cut and head and head[-1] >= 0x80:
            head = head[:-1]
    data = io.BytesIO(head[:cut] or head)
    encoding = encoding_of(data)
    for declared in FORMATS.values():
        if declared.is_head is not None and declared.is_head(head):
            return Recognized(declared.name, Decimal(1))
    for delimiter in DELIMITERS:
        try:
            found = _by_heading(data, encoding, delimiter)
        except InvalidInput as error:
            if error.code == "encoding_unknown":
                raise
            found = None  # with another delimiter the rows may be shorter
        if found:
            return found
    return None


def _by_heading(data: BinaryIO, encoding: str, delimiter: str) -> Recognized | None:
    for _, record in zip(
        range(HEADING_ROWS), read_records(data, encoding, delimiter), strict=False
    ):
        found = _by_columns(record)
        if found is not None:
            return found
    return None


# A format that is known only in part needs a telling heading of its signature, or so many others,
# and so much of the columns.
_TELLING_MIN = 3
_SCORE_MIN = Decimal("0.5")


def _by_columns(record: Record) -> Recognized | None:
    """Return the format of which a row is the heading.

    A row with all headings of a signature is sure. Brokers rename and add columns, so a row also
    is a heading if a format finds its required fields in it, by headings that no other format has,
    and knows most of its columns.
    """
    all_names = names_of(record)
    names, known = all_names.listed, all_names.known
    for name, signature in _SIGNATURES:
        if signature <= known:
            return Recognized(name, Decimal(1))
    if _EVERY_HEADING.isdisjoint(known):
        return None  # the quick answer for a row of figures
    best: tuple[int, Recognized] | None = None
    for declared in FORMATS.values():
        for layout in declared.layouts:
            heading = heading_of(record, layout, _NO_OPTIONS, "", all_names)
            if heading is None:
                continue
            found = {names[place] for place in heading.fields.values()}
            share = Decimal(len(found)) / sum(1 for name in names if name)
            own = {without_unit(name) for name in found} & _TELLING[declared.name]
            telling = len(own)
            signed = any(own & set(signature) for signature in declared.signatures)
            if declared.signatures and (
                share < _SCORE_MIN or not (signed or telling >= _TELLING_MIN)
            ):
                continue
            if best is None or (telling, share) > (best[0], best[1].score):
                best = telling, Recognized(declared.name, round(share, 3))
    return best[1] if best else None


def parse(data: BinaryIO, options: Options, *, format: str | None = None) -> Parsed:  # noqa: A002
    """Return a file ready to be read, in the given or detected format; `data` must be seekable."""
    if format is None:
        data.seek(0)
        head = data.read(HEAD_BYTES)
        if not head.strip():
            raise refusal("file_empty")
        format = detect(head)  # noqa: A001
    if format is None or format not in FORMATS:
        raise refusal("format_unknown", field="format")
    return Parsed(format, FORMATS[format].read(data, options))


def title_of(name: str) -> str:
    """Return the name of a format for people; empty before a file has one."""
    declared = FORMATS.get(name) or REALIZED.get(name)
    return declared.title if declared else name
