"""The least tax and cost of every drift an account may accept: one batch of the array engine.

    T(d) = min tax + cost   subject to   drift after the trades <= d

For a price w of a dollar out of place, the engine finds the least T + w u, where u is the money out
of place. Copies of the account with many prices are one batch. Each answer is a corner of T; the
next prices lie where the tangents of two neighbors meet, so that no corner of weight is missed.
Between two corners lies their mixture; where the account cannot trade it (whole shares, the
smallest trade, an identity group), the corner with less drift stands for it.

The points run from the least drift that can be reached to that without trades. More drift never
costs more tax, nor more tax and cost together: a point beaten by one with less drift is left out.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import numpy as np

from core.money import quantize
from recommendations.drift_points import DriftPoint
from recommendations.engine.arrays.array_types import Bools, Floats, Ints
from recommendations.engine.arrays.branching import FLOOR_UNREACHABLE
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.arrays.measuring import figures
from recommendations.engine.arrays.packing import packed
from recommendations.engine.arrays.solving import solved
from recommendations.engine.problem import ZERO, RebalanceInputs, canonical, ensure_valid
from recommendations.engine.program import FEES_PER_TRADE_MIN
from recommendations.engine.solver import CashFloorUnreachable

POINTS_MAX = 24
WEIGHT_STEP = Decimal("0.000001")
# Prices of a dollar out of place: from one that buys no trade to one that buys every trade.
_PRICES = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 31)])
_ROUNDS = 2
_WHOLE = 1e-6


class _Answers(NamedTuple):
    """Answers by rising price, one row each: shares sold of the securities, and in dollars

    apart: money out of place; paid: what the solver paid for it, without that price.
    """

    prices: Floats
    shares: Floats
    no_losses: Bools
    apart: Floats
    paid: Floats

    def those(self, rows: Ints) -> "_Answers":
        """Return the answers of these rows."""
        return _Answers(
            self.prices[rows],
            self.shares[rows],
            self.no_losses[rows],
            self.apart[rows],
            self.paid[rows],
        )


def drift_curve(*, inputs: RebalanceInputs) -> tuple[DriftPoint, ...]:
    """Return the points of the curve, the least drift first; none for an account worth nothing.

    Budgets of the account are not counted: the trades of a point may need more. Raise InvalidInput
    as `rebalance` does, and CashFloorUnreachable.
    """
    ensure_valid(inputs=inputs)
    ordered = canonical(inputs=inputs)
    settings = replace(ordered.settings, drift_limit=ZERO)
    securities = tuple(replace(security, threshold=ZERO) for security in ordered.securities)
    one = packed([replace(ordered, settings=settings, securities=securities, cash_threshold=ZERO)])
    found = _answers(one, _PRICES)
    for _ in range(_ROUNDS):
        between = _meeting_prices(found)
        if not len(between):
            break
        added = _answers(one, between)
        found = _distinct(
            _Answers(*(np.concatenate(pair) for pair in zip(found, added, strict=True)))
        )
    return _points(one, found, inputs.currency) if len(found.prices) else ()


def _copies(one: Columns, count: int) -> Columns:
    """Return so many copies of the one account."""
    rows, lots = len(one.securities), len(one.lots)
    accounts = np.repeat(one.accounts, count)
    securities, all_lots = np.tile(one.securities, count), np.tile(one.lots, count)
    steps = np.arange(count)
    for name in ("securities_begin", "securities_end"):
        accounts[name] += steps * rows
    for name in ("lots_begin", "lots_end"):
        securities[name] += np.repeat(steps * lots, rows)
    return Columns(accounts, securities, all_lots)


def _answers(one: Columns, prices: Floats) -> _Answers:
    """Return the answers at these prices, equal ones once; none for an account worth nothing."""
    batch = _copies(one, len(prices))
    batch.accounts["drift_penalty"] = prices
    made = solved(columns=batch)
    if (made.status == FLOOR_UNREACHABLE).any():
        raise CashFloorUnreachable(
            f"All permitted sales would leave {made.cash[0]:.2f} in cash, but "
            f"{one.accounts['cash_floor'][0]:.2f} must remain. Lower the cash floor, or lift "
            "restrictions."
        )
    if not made.value[0] > 0:
        prices = prices[:0]
    count, rows = len(prices), len(one.securities)
    shares = made.shares[: count * rows].reshape(count, rows)
    no_losses = made.no_losses[: count * rows].reshape(count, rows)
    apart = _apart(one, shares, made.cash[:count])
    return _distinct(
        _Answers(prices, shares, no_losses, apart, made.objective[:count] - prices * apart)
    )


def _apart(one: Columns, shares: Floats, cash: Floats) -> Floats:
    """Return the money out of place after orders that leave so much cash."""
    account, securities = one.accounts[0], one.securities
    held = np.array(
        [one.lots["quantity"][s["lots_begin"] : s["lots_end"]].sum() for s in securities]
    )
    value = account["cash"] + (held * securities["price"]).sum()
    cash_target = max(account["cash_weight"] * value, account["cash_floor"])
    whole = securities["weight"].sum()
    targets = securities["weight"] * (max(value - cash_target, 0.0) / whole if whole else 0.0)
    after = (held - shares) * securities["price"]
    apart: Floats = np.abs(after - targets).sum(axis=1) + np.abs(cash - cash_target)
    return apart


def _distinct(found: _Answers) -> _Answers:
    """Return the answers by rising price, each with less drift than the one before it."""
    found = found.those(np.argsort(found.prices, kind="stable"))
    if len(found.prices) < 2:
        return found
    least = np.minimum.accumulate(found.apart)
    return found.those(np.flatnonzero(np.concatenate([[True], least[1:] < least[:-1]])))


def _meeting_prices(found: _Answers) -> Floats:
    """Return the prices at which neighboring answers cost the same."""
    low, high = found.prices[:-1], found.prices[1:]
    prices = np.diff(found.paid) / -np.diff(found.apart)
    inside: Floats = prices[(prices > low) & (prices < high)]
    return inside


def _points(one: Columns, found: _Answers, currency: str) -> tuple[DriftPoint, ...]:
    """Return the points at even distances between the least drift and the present one."""
    shares, no_losses = _mixtures(one, found)
    batch = _copies(one, len(shares))
    made = figures(columns=batch, shares=shares.ravel(), no_losses=no_losses.ravel())
    costs = _costs(one, shares)
    points: list[DriftPoint] = []
    for row in np.argsort(made.drift_after, kind="stable").tolist():
        drift = Decimal(repr(float(made.drift_after[row]))).quantize(WEIGHT_STEP, ROUND_HALF_UP)
        point = DriftPoint(
            drift=drift,
            tax=quantize(Decimal(repr(float(made.tax[row]))), currency),
            cost=quantize(Decimal(repr(float(costs[row]))), currency),
            trades=int(np.count_nonzero(shares[row])),
        )
        if points:
            last = points[-1]
            if point.drift <= last.drift or point.tax > last.tax:
                continue
            if point.tax + point.cost >= last.tax + last.cost:
                continue
        points.append(point)
    return tuple(points)


def _mixtures(one: Columns, found: _Answers) -> tuple[Floats, Bools]:
    """Return the orders that reach each drift: between two answers, or those of the lower one."""
    limits = np.linspace(found.apart[-1], found.apart[0], POINTS_MAX)
    after = np.searchsorted(-found.apart, -limits, side="left")
    before = np.maximum(after - 1, 0)
    span = found.apart[before] - found.apart[after]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(span > 0, (limits - found.apart[after]) / span, 0.0)[:, None]
    mixed = part * found.shares[before] + (1 - part) * found.shares[after]
    allowed = _allowed(one, mixed) & (found.no_losses[before] == found.no_losses[after]).all(axis=1)
    return np.where(allowed[:, None], mixed, found.shares[after]), found.no_losses[after]


def _allowed(one: Columns, shares: Floats) -> Bools:
    """Return which rows of orders the account may trade as they are."""
    securities, account = one.securities, one.accounts[0]
    least = max(account["minimum_trade"], float(FEES_PER_TRADE_MIN) * account["brokerage_fee"])
    traded = shares != 0
    whole = (account["whole"] | ~securities["fractional"]) & traded
    bad = traded & (np.abs(shares) * securities["price"] < least)
    bad |= whole & (np.abs(shares - np.rint(shares)) > _WHOLE)
    both = np.zeros(len(shares), np.bool_)
    groups, sizes = np.unique(securities["group"], return_counts=True)
    for group in groups[(groups >= 0) & (sizes > 1)]:
        members = shares[:, securities["group"] == group]
        both |= (members > 0).any(axis=1) & (members < 0).any(axis=1)
    allowed: Bools = ~(bad.any(axis=1) | both)
    return allowed


def _costs(one: Columns, shares: Floats) -> Floats:
    """Return spread and fees of each row of orders."""
    securities, account = one.securities, one.accounts[0]
    money = np.abs(shares) * securities["price"]
    taf = np.minimum(securities["taf_cap"], shares * securities["taf_per_share"])
    fees = np.where(shares > 0, money * securities["sec_rate"] + taf, 0.0)
    brokerage = np.where(shares != 0, account["brokerage_fee"], 0.0)
    total: Floats = (money * securities["half_spread"] + fees + brokerage).sum(axis=1)
    return total
