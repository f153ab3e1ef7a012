"""Integers for booking: steps of quantity and minor units of money. Pure.

    quantity   an integer number of steps of 10^-10 / d, where d is the product of the terms of
               every ratio (3 for 2: 3 * 2) among the events: a third of a share is exact, and
               three of them are one share
    money      an integer number of minor units (cents) of the account's currency
    share      total * part / whole, halves away from zero: one division, one rounding

Quantities are rounded to ten decimals for output by largest remainder, so that the lots of a
holding still sum to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from core.limits import QUANTITY_DECIMALS
from core.money import WIDE, minor_unit

STEP = 10**QUANTITY_DECIMALS


@dataclass(frozen=True, slots=True)
class Scale:
    """The number of integer steps in one ten-decimal step of quantity."""

    fine: int = 1

    @property
    def one(self) -> int:
        """The steps in one share."""
        return int(STEP * self.fine)

    def steps(self, quantity: Decimal) -> int:
        """Return a quantity of at most ten decimals in steps."""
        whole = int(quantity.scaleb(QUANTITY_DECIMALS, context=WIDE))
        return whole * self.fine

    def quantity(self, steps: int) -> Decimal:
        """Return steps as a quantity of ten decimals, rounded down. `quantities` rounds many."""
        return Decimal(steps // self.fine).scaleb(-QUANTITY_DECIMALS, context=WIDE)

    def quantities(self, steps: Sequence[int]) -> list[Decimal]:
        """Return many quantities that sum to the rounded sum (largest remainder, earlier first)."""
        if self.fine == 1:
            return [self.quantity(value) for value in steps]
        floors = [value // self.fine for value in steps]
        left = (2 * sum(steps) + self.fine) // (2 * self.fine) - sum(floors)
        order = sorted(range(len(steps)), key=lambda i: (-(steps[i] % self.fine), i))
        for i in order[: max(left, 0)]:
            floors[i] += 1
        return [Decimal(value).scaleb(-QUANTITY_DECIMALS, context=WIDE) for value in floors]


def scale_of(ratios: Iterable[Fraction]) -> Scale:
    """Return the scale in which each of `ratios` can be applied and undone exactly."""
    fine = 1
    for ratio in ratios:
        fine *= ratio.numerator * ratio.denominator
    return Scale(fine)


def scaled(steps: int, ratio: Fraction) -> int:
    """Return `steps` times `ratio`, new for old; exact in a scale made for the ratio."""
    return steps * ratio.numerator // ratio.denominator


def cents(amount: Decimal, currency: str) -> int:
    """Return an amount of whole minor units as an integer."""
    value = amount / minor_unit(currency)
    assert value == int(value), f"{amount} {currency} is a whole number of minor units"
    return int(value)


def amount(minor: int, currency: str) -> Decimal:
    """Return minor units as a Decimal of the currency."""
    return minor * minor_unit(currency)


def share(total: int, part: int, whole: int) -> int:
    """Return total * part / whole, halves away from zero; `part` and `whole` are not negative."""
    magnitude = (2 * abs(total) * part + whole) // (2 * whole)
    return magnitude if total >= 0 else -magnitude


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` into parts proportional to `weights` (not all zero) that sum to it."""
    size = sum(weights)
    sign, magnitude = (1, total) if total >= 0 else (-1, -total)
    parts = [magnitude * weight // size for weight in weights]
    left = magnitude - sum(parts)
    if left:
        order = sorted(range(len(weights)), key=lambda i: (-(magnitude * weights[i] % size), i))
        for i in order[:left]:
            parts[i] += 1
    return parts if sign > 0 else [-part for part in parts]
