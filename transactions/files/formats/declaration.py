"""The types of a format's declaration, `FORMATS`, which the registry collects. Pure.

A new format is one module with its reader and its declaration, and one sample beside the tests.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from transactions.files.reading.interface import Reader, RealizedReader
from transactions.files.reading.tables import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFormat:
    """One format that can be read, and how its files are recognized.

    `name` is its name in the API, `title` its name for people. A file has the format if its head
    `is_head`; else if one of its first rows has all the headings of one of the `signatures`,
    compared in the form of `plain_name`; else if one of its first rows is the heading of one of the
    `layouts` and, where there are signatures, most of its columns are known (`detection`).
    """

    name: str
    title: str
    read: Reader
    is_head: Callable[[bytes], bool] | None = None
    signatures: Sequence[Collection[str]] = field(default=())
    layouts: Sequence[Layout] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RealizedFormat:
    """One format of a broker's realized lots, which are compared and not imported."""

    name: str
    title: str
    read: RealizedReader
    signatures: Sequence[Collection[str]]
