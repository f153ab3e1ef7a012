"""Prices a hundred times their neighbors, with no split between: most are mistakes. Pure.

A price in pence for pounds, a bond in percent of par for one unit, a lost decimal point: each is a
hundredfold jump, and few real prices are. A jump is told, never refused.

    compared   with the price before it, in the units of its own day; the first one with the next

Worked example: 0.985 on Monday and 98.5 on Tuesday is a jump. 300 and, after a 100 for 1 split, 3
is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from portfolios.prices.rule import Splits, divided

JUMP = 100


@dataclass(frozen=True, slots=True)
class Jump:
    """A price of `day`, and the price of another day that it is far from; days are ordinals."""

    day: int
    price: Decimal
    other_day: int
    other: Decimal


def jumps(
    *, entered: Mapping[int, Decimal], known: Mapping[int, Decimal], splits: Splits
) -> list[Jump]:
    """Return the jumps at entered prices, by day; `known` are the other prices of the asset."""
    every = sorted({**known, **entered}.items())
    found: dict[int, Jump] = {}
    for (day, price), (following, after) in zip(every, every[1:], strict=False):
        if not _far(divided(price, splits, since=day, until=following), after):
            continue
        if following in entered:
            found.setdefault(following, Jump(following, after, day, price))
        elif day in entered:
            found.setdefault(day, Jump(day, price, following, after))
    return [found[day] for day in sorted(found)]


def _far(one: Decimal, other: Decimal) -> bool:
    return not one or one * JUMP <= other or other * JUMP <= one
