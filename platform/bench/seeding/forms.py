"""Rows in the binary form of COPY, built by numpy: one packed record a row, big-endian.

A numeric is sent as four digits to the base of 10,000, so it is an integer of ten-thousandths, or
of hundred-millionths for an exchange rate, below 10 to the 16. Texts may differ in length; what a
shorter one leaves free is cut out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
# PostgreSQL counts from 2000-01-01, in microseconds and in days: so many seconds after 1970.
EPOCH_S = 946_684_800

_BASE = 10_000
_DIGITS = 4
_NEGATIVE = 0x4000
_ROWS_IN_CACHE = 2_048
# The digits to that base after the point.
_DECIMALS: Mapping[str | int, int] = {"numeric4": 1, "numeric8": 2}
_NUMERIC = np.dtype(
    [
        *((name, ">i2") for name in ("count", "weight", "sign", "scale")),
        ("digits", ">i2", (_DIGITS,)),
    ]
)
_KINDS: Mapping[str, np.dtype[Any]] = {
    "int8": np.dtype(">i8"),
    "int2": np.dtype(">i2"),
    "bool": np.dtype("u1"),
    "date": np.dtype(">i4"),
    "timestamp": np.dtype(">i8"),
    "uuid": np.dtype((">u8", (2,))),
    "numeric4": _NUMERIC,
    "numeric8": _NUMERIC,
}


class Form:
    """The rows of a table: the kind of each column, or the longest length of a text in it."""

    def __init__(self, columns: Mapping[str, str | int]) -> None:
        self.names = tuple(columns)
        self._kinds = dict(columns)
        fields: list[tuple[str, object]] = [("fields", ">i2")]
        for name, kind in columns.items():
            fields += [(f"{name} length", ">i4"), (name, _stored(kind))]
        self._row = np.dtype(fields)
        self._empty = np.zeros(1, self._row)
        self._empty["fields"] = len(columns)
        for name, kind in columns.items():
            self._empty[f"{name} length"] = self._row[name].itemsize
            if kind in _DECIMALS:
                self._empty[name]["count"] = _DIGITS
                self._empty[name]["weight"] = _DIGITS - 1 - _DECIMALS[kind]
                self._empty[name]["scale"] = 4 * _DECIMALS[kind]

    def rows(self, count: int, values: Mapping[str, object]) -> Iterator[memoryview]:
        """Yield the bytes of `count` rows, piece by piece; each piece is overwritten by the next.

        A value is an array, or one for all rows. Raise ValueError if `values` has not exactly the
        columns, or a number is too long.
        """
        if set(values) != set(self._kinds):
            raise ValueError("other columns than the form has")
        common = self._empty.copy()
        varying = {}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                varying[name] = value
            else:
                self._write(common, name, np.array([value]))
        # A piece stays in the cache while its columns are written one after the other.
        piece = np.empty(min(count, _ROWS_IN_CACHE), self._row)
        for first in range(0, count, _ROWS_IN_CACHE):
            some = piece[: count - first]
            some[:] = common
            for name, value in varying.items():
                self._write(some, name, value[first : first + len(some)])
            yield self._cut(some).data

    def _write(self, rows: NDArray[np.void], name: str, value: NDArray[Any]) -> None:
        if self._kinds[name] in _DECIMALS:
            _write_numeric(rows[name], value)
        else:
            rows[name] = value

    def _cut(self, made: NDArray[np.void]) -> NDArray[np.uint8]:
        """Write the lengths of texts; leave out the bytes behind the end of a shorter one."""
        kept: NDArray[np.bool_] | None = None
        fields = self._row.fields
        assert fields is not None
        for name, width in self._kinds.items():
            if not isinstance(width, int):
                continue
            lengths = np.char.str_len(made[name])
            if (lengths == width).all():
                continue
            if kept is None:
                kept = np.ones((len(made), self._row.itemsize), np.bool_)
            made[f"{name} length"] = lengths
            begin = fields[name][1]
            kept[:, begin : begin + width] = np.arange(width) < lengths[:, None]
        flat = made.view(np.uint8)
        return flat if kept is None else flat[kept.reshape(-1)]


def _stored(kind: str | int) -> np.dtype[Any]:
    if isinstance(kind, str):
        return _KINDS[kind]
    return np.dtype((np.bytes_, kind))


def _write_numeric(column: NDArray[np.void], value: NDArray[np.int64]) -> None:
    """Write integers as digits to the base of 10,000; those left of the first stay zero."""
    if (value < 0).any():
        column["sign"] = np.where(value < 0, _NEGATIVE, 0)
    left = np.abs(value)
    for place in range(_DIGITS - 1, -1, -1):
        rest = left // _BASE
        column["digits"][:, place] = left - rest * _BASE
        left = rest
        if not left.any():
            return
    raise ValueError("a number has more than sixteen digits")
