"""Pairs of rows in a broker's file that are one transaction of ours, or none. Pure.

A payment and a purchase of the same security, day and amount are one `reinvestment`. Where the
days differ (a December dividend reinvested in January) they stay a dividend and a purchase: the
income belongs to the first day, the shares to the second. Two journal lines of one day that cancel
each other moved nothing.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from transactions.files.reading.lines import Line


class Pairs:
    """Counts of both sides; a row taken from one side is paired if the other side has its match."""

    def __init__(self, seen: Iterable[tuple[bool, Hashable]]) -> None:
        sides: tuple[Counter[Hashable], Counter[Hashable]] = (Counter(), Counter())
        for side, key in seen:
            sides[side][key] += 1
        both = sides[0] & sides[1]
        self._left = (Counter(both), Counter(both))

    def take(self, side: bool, key: Hashable) -> bool:
        """Return whether this row is one of a pair; each pair is taken once from each side."""
        left = self._left[side]
        if left[key] <= 0:
            return False
        left[key] -= 1
        return True


def watched(found: Iterable[Line], before_cut: set[int]) -> Iterator[Line]:
    """Yield the lines; note the number of the one before a last line that is cut off.

    What was lost may be its other side, so it is refused unless it has one elsewhere.
    """
    previous = 0
    for line in found:
        if any(problem.code == "row_cut_off" for problem in line.problems):
            before_cut.add(previous)
        previous = line.number
        yield line
