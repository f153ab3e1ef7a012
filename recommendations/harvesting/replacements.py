"""Replacements by how alike prices moved. Pure, in numpy.

    session      a day on which at least half of the compared assets have a close
    return       log(close / close of the session before), only where both closes exist and no
                 corporate action went ex between them
    correlation  of two assets' returns on the sessions both have
    tracking     standard deviation (sample) of the difference of the two returns x sqrt(252)
    candidate    correlation from 0.50 up to, but not including, 0.995. Shares of one trade seldom
                 reach 0.7, and the risk is shown beside each; below 0.5 the pair has less than a
                 quarter of its variance in common. At 0.995 and above two securities may be
                 substantially identical without anybody having decided so; correlation can only
                 raise that question (IRC 1091 asks for identity, not for behavior), so such a
                 pair waits for the decision
    rank         highest correlation, rounded to two decimals; then lowest tracking error, lowest
                 yearly charge (an unknown one last), symbol. Rounding lets a much cheaper or closer
                 candidate go before one whose correlation differs by noise: with 250 sessions the
                 standard error at 0.9 is 0.012

Every pair is a sum over sessions, so all pairs of many assets are six matrix products: with masks m
(0 or 1) and returns x (0 where absent), n = m m', sum = x m', squares = x^2 m', products = x x'.
Rows are done in blocks of two million pairs, a dozen arrays of 16 MB each.

Worked example: returns of A 1 %, -1 %, 2 % and of B 2 %, -2 %, 4 %: correlation 1, tracking error
of the differences 1 %, -1 %, 2 %: 1.53 % a day, 24.2 % a year.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_SESSIONS = 252
SESSIONS_MIN = 120
CORRELATION_MIN = 0.50
TOO_ALIKE = 0.995
KEPT = 10
SESSIONS_OF_YEAR = 252
_PAIRS_AT_ONCE = 2_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """The closes of one asset by ascending day (ordinals).

    group: its substantially identical group; broken: days on which a corporate action went ex;
    charge: the yearly charge of a fund, a fraction, None if unknown.
    """

    asset_id: int
    symbol: str
    group: int
    days: Ints
    closes: Floats
    broken: frozenset[int] = frozenset()
    charge: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate of an asset: figures rounded to six decimals."""

    candidate_id: int
    correlation: float
    tracking_error: float
    sessions: int
    expense_difference: float | None


@dataclass(frozen=True, slots=True)
class Screened:
    """The candidates of one asset, best first; without any, the code of why."""

    asset_id: int
    sessions: int
    pairs: tuple[Pair, ...]
    reason: str = ""


def screened(series: Sequence[Series]) -> list[Screened]:
    """Return the candidates of each asset among the others, which must be of one currency."""
    ordered = sorted(series, key=lambda row: row.asset_id)
    if not ordered:
        return []
    returns, present = returns_of(ordered)
    counts = present.sum(axis=1).astype(np.int64)
    long_enough = np.flatnonzero(counts >= SESSIONS_MIN)
    found = {
        ordered[i].asset_id: Screened(ordered[i].asset_id, int(counts[i]), (), "history_too_short")
        for i in range(len(ordered))
    }
    kept = [ordered[i] for i in long_enough]
    x, m = returns[long_enough], present[long_enough].astype(np.float64)
    known = _Compared.of(kept)
    size = max(1, _PAIRS_AT_ONCE // max(len(kept), 1))
    for begin in range(0, len(kept), size):
        block = slice(begin, begin + size)
        correlation, tracking, sessions = _compared(x, m, block)
        for row, one in enumerate(kept[block]):
            pairs = tuple(
                _ranked(begin + row, known, correlation[row], tracking[row], sessions[row])
            )
            found[one.asset_id] = Screened(
                one.asset_id,
                int(counts[long_enough[begin + row]]),
                pairs,
                "" if pairs else "nothing_alike",
            )
    return [found[one.asset_id] for one in ordered]


def returns_of(series: Sequence[Series]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the returns of the last sessions (assets, sessions) and where they are known."""
    every = np.concatenate([one.days for one in series])
    days, held = np.unique(every, return_counts=True)
    sessions = days[held * 2 >= len(series)][-(WINDOW_SESSIONS + 1) :]
    width = max(len(sessions) - 1, 0)
    returns = np.zeros((len(series), width))
    present = np.zeros((len(series), width), np.bool_)
    for row, one in enumerate(series):
        at = np.searchsorted(sessions, one.days)
        inside = (at < len(sessions)) & (one.closes > 0)
        inside[inside] = sessions[at[inside]] == one.days[inside]
        logs = np.full(len(sessions), np.nan)
        logs[at[inside]] = np.log(one.closes[inside])
        change = np.diff(logs)
        if one.broken:
            # The action went ex after the session before and up to this one.
            for day in one.broken:
                place = int(np.searchsorted(sessions, day)) - 1
                if 0 <= place < width:
                    change[place] = np.nan
        present[row] = ~np.isnan(change)
        returns[row, present[row]] = change[present[row]]
    return returns, present


def _compared(x: Floats, m: Floats, block: slice) -> tuple[Floats, Floats, Ints]:
    """Return correlation, tracking error and common sessions of a block against all assets.

    Where it is not defined (too few sessions, a price that never moved) the correlation is nan.
    """
    xb, mb = x[block], m[block]
    n = mb @ m.T
    sum_b, sum_o = xb @ m.T, mb @ x.T
    squares_b, squares_o = (xb * xb) @ m.T, mb @ (x * x).T
    products = xb @ x.T
    with np.errstate(divide="ignore", invalid="ignore"):
        # n x the centered sums; the factor cancels.
        variance_b = squares_b - sum_b * sum_b / n
        variance_o = squares_o - sum_o * sum_o / n
        covariance = products - sum_b * sum_o / n
        correlation = covariance / np.sqrt(variance_b * variance_o)
        difference = np.maximum(variance_b + variance_o - 2 * covariance, 0.0)
        tracking = np.sqrt(difference / (n - 1) * SESSIONS_OF_YEAR)
    flat = ~((variance_b > 1e-12) & (variance_o > 1e-12))
    correlation[(n < SESSIONS_MIN) | flat] = np.nan
    return correlation, tracking, n.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Compared:
    """What ranks the assets that are compared: in arrays, by their place."""

    ids: Ints
    groups: Ints
    charges: Floats  # nan: not known
    symbols: Ints  # the place of each symbol in their order

    @classmethod
    def of(cls, series: Sequence[Series]) -> "_Compared":
        order = np.argsort(np.array([one.symbol for one in series]), kind="stable")
        places = np.empty(len(series), np.int64)
        places[order] = np.arange(len(series))
        return cls(
            np.array([one.asset_id for one in series], np.int64),
            np.array([one.group for one in series], np.int64),
            np.array([np.nan if one.charge is None else one.charge for one in series]),
            places,
        )


def _ranked(
    place: int, known: _Compared, correlation: Floats, tracking: Floats, sessions: Ints
) -> Iterator[Pair]:
    """Yield the candidates of the asset at a place, best first; the arrays are of all others."""
    with np.errstate(invalid="ignore"):
        near = (correlation >= CORRELATION_MIN) & (correlation < TOO_ALIKE)
    chosen = np.flatnonzero(near & (known.groups != known.groups[place]))
    difference = np.round(known.charges[chosen] - known.charges[place], 6)
    order = np.lexsort(
        (
            known.symbols[chosen],
            np.nan_to_num(difference),
            np.isnan(difference),
            np.round(tracking[chosen], 6),
            -np.round(correlation[chosen], 2),
        )
    )[:KEPT]
    for i, charge in zip(chosen[order].tolist(), difference[order].tolist(), strict=True):
        yield Pair(
            int(known.ids[i]),
            round(float(correlation[i]), 6),
            round(float(tracking[i]), 6),
            int(sessions[i]),
            None if math.isnan(charge) else charge,
        )
