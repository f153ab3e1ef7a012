"""Columns of figures that take a few bytes a row, for files of many rows.

A Decimal takes 104 bytes, a packed one 9, and it comes back with its own number of decimals.
"""

from array import array
from decimal import Decimal
from fractions import Fraction

_INT64_MAX = 2**63 - 1
_DECIMALS_MAX = 127
# Instead of a number of decimals: nothing is set, or the value is one of `_large`.
_UNSET, _LARGE = -1, -2


class Decimals:
    """A column of Decimals by place; None where nothing is set."""

    def __init__(self) -> None:
        self._units: array[int] = array("q")
        self._decimals: array[int] = array("b")
        self._large: dict[int, Decimal] = {}

    def __getitem__(self, place: int) -> Decimal | None:
        decimals = self._decimals[place] if place < len(self._decimals) else _UNSET
        if decimals >= 0:
            return Decimal(self._units[place]).scaleb(-decimals)
        return None if decimals == _UNSET else self._large[place]

    def __setitem__(self, place: int, value: Decimal | None) -> None:
        missing = max(0, place + 1 - len(self._units))
        self._units.extend([0] * missing)
        self._decimals.extend([_UNSET] * missing)
        self._large.pop(place, None)
        if value is None:
            self._decimals[place] = _UNSET
            return
        exponent = value.as_tuple().exponent
        if (
            isinstance(exponent, int)
            and -_DECIMALS_MAX <= exponent <= 0
            and not _is_minus_zero(value)
        ):
            units = int(value.scaleb(-exponent))
            if abs(units) <= _INT64_MAX:
                self._units[place], self._decimals[place] = units, -exponent
                return
        self._decimals[place], self._large[place] = _LARGE, value

    def scaled(self, place: int, *, decimals: int) -> int | Fraction:
        """Return the exact value times ten to the power of `decimals`; 0 where nothing is set."""
        own = self._decimals[place] if place < len(self._decimals) else _UNSET
        if 0 <= own <= decimals:
            return self._units[place] * int(10 ** (decimals - own))
        return Fraction(self[place] or 0) * int(10**decimals)


def _is_minus_zero(value: Decimal) -> bool:
    return not value and value.is_signed()
