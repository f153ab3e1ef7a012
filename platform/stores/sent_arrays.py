"""Arrays as parameters of a query, in PostgreSQL's binary form: no Python object for each element.

Django's own cursors write parameters into the statement's text; `records_of` does not, and takes
these.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = np.dtype([(name, ">i4") for name in ("dimensions", "nulls", "type", "count", "lowest")])
# The types of the elements and of their arrays, by PostgreSQL's numbers, and the binary form.
_INT8, _FLOAT8 = (20, 1016, ">i8"), (701, 1022, ">f8")


class SentArray:
    """An array as it is sent. Keep one that several queries take: it is packed once."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class SentInts(SentArray):
    """int8[]"""


class SentFloats(SentArray):
    """float8[]"""


def sent_ints(values: NDArray[np.int64]) -> SentInts:
    return SentInts(_packed(values, _INT8))


def sent_floats(values: NDArray[np.float64]) -> SentFloats:
    return SentFloats(_packed(values, _FLOAT8))


def _packed(values: NDArray[Any], form: tuple[int, int, str]) -> bytes:
    element, _, stored = form
    head = np.array([(1, 0, element, len(values), 1)], _HEAD)
    body = np.empty(len(values), np.dtype([("size", ">i4"), ("value", stored)]))
    body["size"] = np.dtype(stored).itemsize
    body["value"] = values
    return head.tobytes() + body.tobytes()


class _IntsDumper(Dumper):
    format = Format.BINARY
    oid = _INT8[1]

    def dump(self, obj: SentArray) -> Buffer:
        return obj.data


class _FloatsDumper(_IntsDumper):
    oid = _FLOAT8[1]


def accept_arrays(cursor: Any) -> None:
    """Let a psycopg cursor with server-side parameters take these arrays."""
    cursor.adapters.register_dumper(SentInts, _IntsDumper)
    cursor.adapters.register_dumper(SentFloats, _FloatsDumper)
