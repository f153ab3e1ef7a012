"""The part of each holding and of exchange rates in the return. Pure; float64 arrays.

    c_a    sum over the days of G_{d-1} * gain_a,d / capital_d; over all holdings and cash it is the
           time-weighted return, exactly (each day's gains are linked at the growth reached before)
    f_d    currency gain of the day / capital of the day
    currency return   product of (1 + f_d) - 1
    local return      (1 + return) / (1 + currency return) - 1
    additive          currency part = sum of G_{d-1} * f_d, local part = return - currency part

Worked example: a share in euro rises 10 % while the euro rises 5 %: return 15.5 %, local 10 %,
currency 5 %; additive 10.5 % + 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolios.performance.daily_values import EXACT_DECIMALS, Board
from portfolios.performance.effects import Effects
from portfolios.performance.figures import rounded
from portfolios.performance.returns import NOTHING, Daily, Floats
from portfolios.prices.rule import Ints, Whole

_ONE = 10**EXACT_DECIMALS


@dataclass(frozen=True, slots=True)
class CurrencyEffect:
    """The return in two parts, multiplied ((1 + local) * (1 + currency)) and added."""

    local_return: float
    currency_return: float
    local_contribution: float
    currency_contribution: float


def flows(board: Board, effects: Effects, *, whole: bool) -> tuple[Floats, Floats]:
    """Return inflows and outflows of each day; of one asset: what was paid for it and by it.

    Of the whole, a day's flows are netted over all accounts and currencies: money that was sent
    back on its day, or moved between own accounts, is no capital.
    """
    inflows, outflows = np.zeros(board.count), np.zeros(board.count)
    outside = effects.flow if whole else -effects.paid
    delivered = effects.delivered * effects.external if whole else effects.delivered
    for part in (outside, delivered):
        rows, values = _some(part)
        came, went = values > 0, values < 0
        np.add.at(inflows, effects.numbers[rows[came]], values[came])
        np.subtract.at(outflows, effects.numbers[rows[went]], values[went])
    if not whole:
        return inflows, outflows
    net = inflows - outflows
    return np.maximum(net, 0.0), np.maximum(-net, 0.0)


def _some(exact: Whole) -> tuple[Ints, Floats]:
    """Return the rows that are not zero, and their figures in units of the reporting currency."""
    rows = np.flatnonzero(exact)
    return rows, (exact[rows] / _ONE).astype(np.float64)


def contributions(board: Board, series: Daily, effects: Effects) -> dict[int | None, float]:
    """Return the part of each asset in the time-weighted return, and of cash (under None)."""
    gains: dict[int | None, Floats] = {
        asset: _changes(track.values) for asset, track in board.tracks.items()
    }
    cash = gains.setdefault(None, np.zeros(board.count))
    for purse in board.purses:
        cash += _changes(purse.values)
    rows, values = _some(effects.flow)
    np.subtract.at(cash, effects.numbers[rows], values)
    of_assets = effects.picked(effects.assets != 0)
    rows, values = _some(of_assets.paid)
    np.subtract.at(cash, of_assets.numbers[rows], values)
    _add_by_asset(gains, of_assets.assets[rows], of_assets.numbers[rows], values)
    rows, values = _some(of_assets.delivered)
    _add_by_asset(gains, of_assets.assets[rows], of_assets.numbers[rows], -values)
    weights = _weights(series)
    return {asset: float(np.dot(weights, gained)) for asset, gained in gains.items()}


def _add_by_asset(
    gains: dict[int | None, Floats], assets: Ints, numbers: Ints, values: Floats
) -> None:
    """Add values to the days of their assets."""
    size = len(gains[None])
    order = np.argsort(assets, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(assets[order])) + 1):
        for asset in assets[rows[:1]].tolist():
            one = gains.setdefault(asset, np.zeros(size))
            np.add.at(one, numbers[rows], values[rows])


def _changes(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.diff(values)])


def _weights(series: Daily) -> Floats:
    """Return the growth before each day, per unit of the day's capital."""
    before = np.concatenate([[1.0], series.index[:-1]])
    capital = series.capital
    found = np.zeros(len(before))
    np.divide(before, capital, out=found, where=capital >= NOTHING)
    found[0] = 0.0
    return found


def currency_effect(board: Board, series: Daily, effects: Effects, total: float) -> CurrencyEffect:
    """Split the return into the part in local currencies and the part of exchange rates."""
    gained = np.zeros(board.count)
    for part in board.parts:
        if not part.rates.constant:
            rates = part.rates.floats
            moved = np.zeros(board.count - 1)
            np.divide(np.diff(rates), rates[:-1], out=moved, where=rates[:-1] > 0)
            gained[1:] += np.nan_to_num(part.values[:-1]) * moved
    rows, values = _some(effects.currency)
    np.add.at(gained, effects.numbers[rows], values)
    capital = series.capital
    shares = np.zeros(board.count)
    np.divide(gained, capital, out=shares, where=capital >= NOTHING)
    shares[0] = 0.0
    growth = float(np.prod(1.0 + shares))
    added = float(np.dot(_weights(series), gained))
    local = (1.0 + total) / growth - 1.0 if growth > 0 else total
    return CurrencyEffect(local, growth - 1.0, total - added, added)


def to_the_whole(parts: Sequence[float], whole: float) -> list[Decimal]:
    """Round contributions to ten decimals so that they sum to the rounded return."""
    found = [rounded(part) for part in parts]
    if not found:
        return found
    left = rounded(whole) - sum(found, Decimal(0))
    largest = max(range(len(found)), key=lambda i: (abs(found[i]), -i))
    scale = sum((abs(part) for part in found), Decimal(1))
    # Each part is rounded by half a digit at most, and there may be thousands of them.
    rounding = len(found) * Decimal("5e-11")
    assert abs(left) <= scale * Decimal("1e-8") + rounding, f"contributions leave {left}"
    found[largest] += left
    return found
