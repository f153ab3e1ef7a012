"""Bars in the units of another day: splits undone or applied. Pure.

    divided      what a price of an early day is in the units of a later one: as publishers adjust
    multiplied   what an adjusted price was on its own day

Each split rounds once, to 10^-8, halves up (`rescaled`); units of volume are rounded the same way.
Worked example: 30.00 before a split of 3:1 is 10.00 in today's units; 100 units become 300.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.bars import ABSENT, Records

# The ordinal of the first day in new units, and new units for one old one.
Ints = NDArray[np.int64]
Splits: TypeAlias = Sequence[tuple[int, Fraction]]

_PRICES = ("open", "high", "low", "close")


def rescaled(price: int, ratio: Fraction) -> int:
    """Return a whole number times a ratio, halves up."""
    return (2 * price * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)


def divided(rows: Records, days: Ints, splits: Splits) -> Records:
    """Return bars of the given days (ordinals) in the units after all splits."""
    return _changed(rows, days, [(day, 1 / ratio) for day, ratio in splits])


def multiplied(rows: Records, days: Ints, splits: Splits) -> Records:
    """Return bars in the units after all splits in the units of their own days."""
    return _changed(rows, days, list(splits))


def _changed(rows: Records, days: Ints, factors: Splits) -> Records:
    changed = rows.copy()
    for day, factor in factors:
        before = days < day
        for name in (*_PRICES, "volume"):
            ratio = 1 / factor if name == "volume" else factor
            values = changed[name][before].tolist()
            changed[name][before] = [
                value if value == ABSENT else rescaled(value, ratio) for value in values
            ]
    return changed
