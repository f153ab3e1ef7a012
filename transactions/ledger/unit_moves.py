"""The effect of an event on the units of a holding, for code that keeps no lots. Pure.

(held, quantity, ratio) -> (units of the security afterwards, units of the new one that arrive)
"""

from collections.abc import Callable
from fractions import Fraction

Units = int | Fraction
Move = Callable[[Units, Units, Fraction | None], tuple[Units, Units]]


def stay(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    return held, 0


def add(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    return held + quantity, 0


def take(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    return held - quantity, 0


def multiply(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    assert ratio is not None, "a split has a ratio"
    return held * ratio, 0


def distribute(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    return held, quantity if ratio is None else held * ratio


def add_for_each(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    return held + (quantity if ratio is None else held * ratio), 0


def exchange(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    return 0, held if ratio is None else held * ratio


def exercise(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    assert ratio is not None, "an exercise has a ratio"
    return held - quantity / ratio, quantity


def tender(held: Units, quantity: Units, ratio: Fraction | None) -> tuple[Units, Units]:
    assert ratio is not None, "an exchange has a ratio"
    return held - quantity, quantity * ratio
