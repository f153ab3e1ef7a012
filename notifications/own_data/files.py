"""The files of an archive: rows in, text out, and the ZIP around them. Pure.

CSV has a head line; the names are those of the API. A cell that a spreadsheet would take for a
formula gets an apostrophe before it. JSON is one document with sorted, indented fields.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from core.dates import instant_text
from core.money import plain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file: what it holds in a sentence for the table of contents, and its text in parts."""

    name: str
    about: str
    text: Callable[[], Iterable[str]]


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a CSV file line by line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield _taken(buffer)
    if rest := _taken(buffer):
        yield rest


def json_text(value: object) -> Iterator[str]:
    """Yield a JSON document."""
    yield json.dumps(value, default=_plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_archive(
    files: Iterable[ArchiveFile], *, to: IO[bytes], title: str, at: datetime, bytes_max: int
) -> bool:
    """Write the files and a table of contents as a ZIP; False if it would be too large."""
    stamp = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    contents = [title, ""]
    with ZipFile(to, "w", ZIP_DEFLATED) as archive:
        for one in files:
            contents.append(f"{one.name}: {one.about}")
            with archive.open(_info(one.name, stamp), "w", force_zip64=True) as target:
                for text in one.text():
                    target.write(text.encode())
                    if to.tell() > bytes_max:
                        return False
        with archive.open(_info("README.txt", stamp), "w") as target:
            target.write(("\n".join(contents) + "\n").encode())
    return to.tell() <= bytes_max


def _info(name: str, stamp: tuple[int, int, int, int, int, int]) -> ZipInfo:
    found = ZipInfo(name, stamp)
    found.compress_type = ZIP_DEFLATED
    return found


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return json.dumps(value, default=_plain, sort_keys=True, ensure_ascii=False)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return str(_plain(value))


def _plain(value: Any) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, set | frozenset | tuple):
        return sorted(str(one) for one in value)
    raise TypeError(f"{type(value).__name__} is not written")
