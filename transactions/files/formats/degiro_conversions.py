"""DEGIRO: what payments in a foreign currency came to, by the conversions of the statement.

    15-12  Dividend            USD  1000.00
    15-12  Dividendbelasting   USD  -150.00
    18-12  Valuta Debitering   USD  -850.00
    18-12  Valuta Creditering  EUR   774.35     911.00 and -136.65, which sum to it

The broker converts what came in since the last conversion, a day later. Two sides of one minute are
a conversion if its rate says so, or if they are the only ones. It belongs to the rows before it, in
its currency, that sum to its amount: the earliest ones that are still open, else the latest. If
none do, they stay in their currency. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from core.money import WIDE, quantize

# Payments that wait for a conversion; of more than this the oldest are given up.
_OPEN_MAX = 200


@dataclass(frozen=True, slots=True)
class Converted:
    """What a row came to in the account's currency, with its sign."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    is_conversion: bool
    moment: str
    currency: str
    amount: Decimal
    rate: Decimal | None = None


@dataclass(slots=True)
class Conversions:
    """The payments and the conversions of a statement, in the order of the file."""

    rows: list[_Row] = field(default_factory=list)

    def add(
        self,
        place: int,
        is_conversion: bool,
        moment: str,
        currency: str,
        amount: Decimal,
        rate: Decimal | None,
    ) -> None:
        """Add a row; `moment` is its day and time, `01-12-2023 09:05`."""
        self.rows.append(_Row(place, is_conversion, moment, currency, amount, rate))

    def amounts(self) -> dict[int, Converted]:
        """Return what each converted payment came to, by its place; conversions are there too."""
        found: dict[int, Converted] = {}
        waiting: dict[str, list[_Row]] = {}
        for rows in self._moments():
            for row in rows:
                if not row.is_conversion:
                    open_rows = waiting.setdefault(row.currency, [])
                    open_rows.append(row)
                    del open_rows[:-_OPEN_MAX]
            for one, other in _pairs([row for row in rows if row.is_conversion]):
                for foreign, own in ((one, other), (other, one)):
                    if _convert(found, waiting.get(foreign.currency, []), foreign, own):
                        break
        return found

    def _moments(self) -> Iterator[list[_Row]]:
        """Yield the rows of each minute, oldest first, whatever their order in the file."""
        newest_first = bool(self.rows) and _key(self.rows[0]) > _key(self.rows[-1])
        rows = sorted(self.rows[::-1] if newest_first else self.rows, key=_key)
        for _, same in groupby(rows, key=_key):
            yield list(same)


def _key(row: _Row) -> tuple[str, ...]:
    day, _, clock = row.moment.partition(" ")
    return (*day.split("-")[::-1], clock)


def _pairs(rows: list[_Row]) -> Iterator[tuple[_Row, _Row]]:
    """Yield the two sides of each conversion among those of one minute."""
    left = rows[:_OPEN_MAX]
    while left:
        one = left.pop(0)
        other = next(
            (row for row in left if _are_sides(one, row) and (len(rows) == 2 or _rated(one, row))),
            None,
        )
        if other is not None:
            left.remove(other)
            yield one, other


def _are_sides(one: _Row, other: _Row) -> bool:
    return one.currency != other.currency and (one.amount > 0) != (other.amount > 0)


def _rated(one: _Row, other: _Row) -> bool:
    """Return whether the rate beside one of the amounts leads from one of them to the other."""
    rate = one.rate or other.rate
    if rate is None:
        return False
    small, large = sorted((abs(one.amount), abs(other.amount)))
    factor = max(rate, 1 / rate)
    return abs(WIDE.multiply(small, factor) - large) <= large * _RATE_ERROR + _CENTS


# Rates have four decimals and amounts two.
_RATE_ERROR, _CENTS = Decimal("0.0002"), Decimal("0.02")


def _convert(found: dict[int, Converted], waiting: list[_Row], foreign: _Row, own: _Row) -> bool:
    """Note what the waiting rows came to that one side of a conversion emptied."""
    count = _prefix(waiting, -foreign.amount)
    rows = waiting[:count]
    if not rows:
        count = _prefix(waiting[::-1], -foreign.amount)
        rows = waiting[len(waiting) - count :]
    parts = [
        quantize(WIDE.multiply(row.amount, own.amount / -foreign.amount), own.currency)
        for row in rows
    ]
    if not rows or not all(parts):
        return False
    largest = max(range(len(parts)), key=lambda place: abs(parts[place]))
    parts[largest] += own.amount - sum(parts)
    for row, part in zip(rows, parts, strict=True):
        found[row.place] = Converted(own.currency, part)
        waiting.remove(row)
    for row in (foreign, own):
        found[row.place] = Converted(own.currency, own.amount)
    return True


def _prefix(rows: Sequence[_Row], total: Decimal) -> int:
    """Return how many of the first rows sum to the total: the most that do."""
    found, so_far = 0, Decimal(0)
    for count, row in enumerate(rows, start=1):
        so_far += row.amount
        if so_far == total:
            found = count
    return found
