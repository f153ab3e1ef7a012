"""Columns that PostgreSQL packs into one text each, read as arrays of whole numbers.

A row of a cursor costs microseconds; a number in a packed column costs tens of nanoseconds.

    numeric(24, 4)    12.5000 is 125000: a numeric column writes all its decimals, so that the
                      digits without the point are whole steps of the last decimal. Nothing is
                      rounded and nothing is too large
    integers          as they are

All columns packed by one SELECT hold their rows in the same order.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_EIGHT_BYTES = np.iinfo(np.int64)


def packed(expression: str) -> str:
    """Return the SQL that packs a column without nulls. The expression comes from code."""
    return f"string_agg(({expression})::text, ' ')"


def whole_numbers(column: str | None) -> NDArray[Any]:
    """Return the numbers of a packed column: eight bytes each, Python integers where they must be.

    A column of no rows is null.
    """
    digits = (column or "").replace(".", "")
    found: NDArray[Any] = np.fromstring(digits, dtype=np.int64, sep=" ")
    # A number beyond eight bytes is read as the nearest of eight bytes.
    if ((found == _EIGHT_BYTES.max) | (found == _EIGHT_BYTES.min)).any():
        numbers = [int(number) for number in digits.split()]
        found = np.empty(len(numbers), dtype=object)
        found[:] = numbers
    return found


def words(column: str | None) -> list[str]:
    """Return the words of a packed column; no word has a blank or is empty."""
    return (column or "").split()
