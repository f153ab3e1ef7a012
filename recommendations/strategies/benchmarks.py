"""The benchmark of each currency's strategies. Pure.

A strategy is compared with the broad index of its currency; the author does not choose it. To
change a choice, load the series and name it here: records that have begun keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The symbol of a public asset, and what a reader must know of it."""

    symbol: str
    note: str


BENCHMARKS: Mapping[str, Benchmark] = {
    "USD": Benchmark(
        "SPX",
        "A price index: the dividends of its shares are not in it, and it has no trading costs.",
    )
}
