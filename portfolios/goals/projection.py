"""How a value may grow: own months drawn again and again, with contributions. Pure.

Method: a circular block bootstrap (Politis and Romano, 1992). A path is made of blocks of
BLOCK_MONTHS consecutive months of the household's own time-weighted returns, each block begun at a
month drawn at random; a block that reaches the end of the history goes on at its beginning. Blocks
keep what follows what: a fall and its recovery stay together.

    value(t) = value(t - 1) * (1 + return(t) + shift / 12) + contribution

The band is the 10th to the 90th percentile of PATHS paths, month by month; the chance is the share
of paths that reach the target by its month. The seed is fixed, so the same question has the same
answer. `shift` is the "what if" on returns, in return a year.

It is what would follow if the future were made of the months that were lived through, and no
forecast: a short history of good years knows no bad ones. Under MONTHS_MIN months there is no
projection. Amounts are nominal: inflation is not taken out. Floats are used only here; results are
rounded to the minor unit.

Worked example: 24 months of 1 % each, a value of 1,000 and 100 a month are 1,110 after one month
and 1,221.10 after two, in every path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from core.errors import Conflict
from core.money import quantize

Floats = npt.NDArray[np.float64]

MONTHS_MIN, MONTHS_READ_MAX, MONTHS_AHEAD_MAX = 24, 240, 600
BLOCK_MONTHS = 6
PATHS = 1_000
LOW, MIDDLE, HIGH = 10, 50, 90
_SEED = 20_241_101


@dataclass(frozen=True, slots=True)
class Band:
    """The 10th, 50th and 90th percentile of the value after some months."""

    month: int
    low: Decimal
    middle: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Projection:
    """The band of every month from now (0) on, and the chance to reach the target at the last."""

    bands: tuple[Band, ...]
    chance: Decimal
    months_known: int
    return_a_year: Decimal


def project(
    *,
    value: Decimal,
    contribution: Decimal,
    months: int,
    target: Decimal,
    returns: Sequence[Decimal],
    currency: str,
    shift: Decimal = Decimal(0),
) -> Projection:
    """Return the projection of a value over `months`.

    returns: the own monthly returns as fractions, oldest first; contribution: per month.
    Raises Conflict `months_too_few`.
    """
    assert 1 <= months <= MONTHS_AHEAD_MAX, "the caller bounds the horizon"
    known = np.array([float(one) for one in returns[-MONTHS_READ_MAX:]])
    if len(known) < MONTHS_MIN:
        raise Conflict(
            f"Only {len(known)} months of own returns are known. A projection from history needs "
            f"{MONTHS_MIN}.",
            code="months_too_few",
        )
    growth = np.maximum(_drawn(known, months) + float(shift) / 12, -1.0)
    paths = np.empty((PATHS, months + 1))
    paths[:, 0] = float(value)
    for month in range(months):
        paths[:, month + 1] = paths[:, month] * (1 + growth[:, month]) + float(contribution)
    low, middle, high = np.percentile(paths, [LOW, MIDDLE, HIGH], axis=0)
    reached = float(np.mean(paths[:, -1] >= float(target)))
    mean = float(np.prod(1 + known)) ** (12 / len(known)) - 1
    return Projection(
        bands=tuple(
            Band(
                month,
                quantize(Decimal(str(low[month])), currency),
                quantize(Decimal(str(middle[month])), currency),
                quantize(Decimal(str(high[month])), currency),
            )
            for month in range(months + 1)
        ),
        chance=Decimal(str(round(reached * 100, 1))),
        months_known=len(known),
        return_a_year=Decimal(str(round(mean * 100, 2))),
    )


def _drawn(known: Floats, months: int) -> Floats:
    """Return one row of monthly returns for each path."""
    blocks = -(-months // BLOCK_MONTHS)
    starts = np.random.default_rng(_SEED).integers(0, len(known), size=(PATHS, blocks, 1))
    places = (starts + np.arange(BLOCK_MONTHS)) % len(known)
    drawn: Floats = known[places].reshape(PATHS, -1)[:, :months]
    return drawn
