"""Stable sorting of a few numbers. Compiled: numba's own argsort takes seconds to compile."""

import numpy as np

from recommendations.engine.arrays.array_types import Floats, Ints
from recommendations.engine.arrays.compiling import compiled


@compiled
def places_sorted(keys: Floats) -> Ints:
    """Return the places of the keys in rising order; equal ones stay as they are (merge sort)."""
    count = len(keys)
    order, merged = np.arange(count), np.empty(count, np.int64)
    width = 1
    while width < count:
        for begin in range(0, count, 2 * width):
            middle, end = min(begin + width, count), min(begin + 2 * width, count)
            left, right = begin, middle
            for at in range(begin, end):
                takes_left = right == end or (
                    left < middle and keys[order[left]] <= keys[order[right]]
                )
                if takes_left:
                    merged[at] = order[left]
                    left += 1
                else:
                    merged[at] = order[right]
                    right += 1
        order, merged = merged, order
        width *= 2
    return order
