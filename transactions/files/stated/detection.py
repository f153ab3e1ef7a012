"""The detection of a statement's format. Pure."""

import importlib
import io
import pkgutil
from collections.abc import Iterator, Mapping

from core.errors import InvalidInput
from transactions.files import stated
from transactions.files.formats.detection import HEAD_BYTES
from transactions.files.reading.decoding import encoding_of
from transactions.files.reading.tables import DELIMITERS, column_names, read_records
from transactions.files.stated.interface import StatementFormat

_ROWS = 200


def _declared() -> Iterator[StatementFormat]:
    for module in pkgutil.iter_modules(stated.__path__, stated.__name__ + "."):
        if module.name != __name__:
            yield from getattr(importlib.import_module(module.name), "STATEMENTS", ())


STATEMENTS: Mapping[str, StatementFormat] = {
    declared.name: declared for declared in sorted(_declared(), key=lambda one: one.name)
}
# The signature that names most headings is tried first.
_SIGNATURES = sorted(
    (
        (declared.name, frozenset(signature))
        for declared in STATEMENTS.values()
        for signature in declared.signatures
    ),
    key=lambda found: (-len(found[1]), found[0]),
)


# Formats of transactions whose files also state positions or cash.
_BESIDE_ROWS = {
    "ofx": "ofx",
    "ibkr_flex": "ibkr_flex",
    "ibkr_statement": "ibkr_statement",
    "vanguard": "vanguard_positions",
}
ROWS_OF: Mapping[str, str] = {stated: rows for rows, stated in _BESIDE_ROWS.items()}


def beside_rows(name: str) -> StatementFormat | None:
    """Return the reader of what a file of transactions states of a day; None if it has none."""
    return STATEMENTS[_BESIDE_ROWS[name]] if name in _BESIDE_ROWS else None


def detect_statement(head: bytes) -> str | None:
    """Return the format of a file by its first `HEAD_BYTES` bytes; None if it is no statement.

    Raises archive_not_accepted and encoding_unknown.
    """
    head = head[:HEAD_BYTES]
    if len(head) == HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    data = io.BytesIO(head)
    encoding = encoding_of(data)
    for declared in STATEMENTS.values():
        if declared.is_head is not None and declared.is_head(head):
            return declared.name
    for delimiter in DELIMITERS:
        try:
            for _, record in zip(
                range(_ROWS), read_records(data, encoding, delimiter), strict=False
            ):
                names = set(column_names(record.cells))
                for name, signature in _SIGNATURES:
                    if signature <= names:
                        return name
        except InvalidInput as error:
            if error.code == "encoding_unknown":
                raise
    return None
