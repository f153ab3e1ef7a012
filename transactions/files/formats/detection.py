"""The detection of a file's format among all declared ones. Pure.

A new format is a module beside this one that declares `FORMATS` (see `declaration`).
"""

import codecs
import importlib
import io
import pkgutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import BinaryIO

from core.errors import InvalidInput
from transactions.files import formats
from transactions.files.formats.declaration import ReadFormat, RealizedFormat
from transactions.files.reading.decoding import encoding_of, refusal
from transactions.files.reading.interface import Options, Parsed
from transactions.files.reading.tables import (
    DELIMITERS,
    HEADING_ROWS,
    column_names,
    heading_of,
    read_records,
)

HEAD_BYTES = 65_536
_NO_OPTIONS = Options(now=datetime(1970, 1, 1, tzinfo=UTC))


def _declared() -> Iterator[ReadFormat | RealizedFormat]:
    for module in pkgutil.iter_modules(formats.__path__, formats.__name__ + "."):
        if module.name != __name__:
            yield from getattr(importlib.import_module(module.name), "FORMATS", ())


_DECLARED = sorted(_declared(), key=lambda declared: declared.name)
FORMATS: Mapping[str, ReadFormat] = {
    declared.name: declared for declared in _DECLARED if isinstance(declared, ReadFormat)
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


def detect(head: bytes) -> str | None:
    """Return a file's format by its first `HEAD_BYTES` bytes; None if it is unknown.

    Raises archive_not_accepted and encoding_unknown. The answer may also be a format of
    `REALIZED`: lots that a broker closed, not transactions.
    """
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
            return declared.name
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


def _by_heading(data: BinaryIO, encoding: str, delimiter: str) -> str | None:
    for _, record in zip(
        range(HEADING_ROWS), read_records(data, encoding, delimiter), strict=False
    ):
        names = set(column_names(record.cells))
        for name, signature in _SIGNATURES:
            if signature <= names:
                return name
        for declared in FORMATS.values():
            for layout in declared.layouts:
                if heading_of(record, layout, _NO_OPTIONS, ""):
                    return declared.name
    return None


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
