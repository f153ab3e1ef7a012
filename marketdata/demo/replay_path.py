"""A seeded price path between real closes: it always moves and meets each close. Pure.

    leg from a to b, n steps   price_i = a * (b/a)^(i/n) * exp(v * bridge_i),  i = 0..n
    bridge_i                   w_i - (i/n) * w_n, w a Gaussian walk with steps of 1/sqrt(n)
                               (a Brownian bridge: 0 at both ends)
    rounding                   inner prices to the tick; equal neighbors are parted by one tick, so
                               price_i != price_{i-1} for every i; price_0 = a and price_n = b keep
                               all their decimals

A walk moves one step at a time along its legs, on an axis of working days with STEPS_PER_SESSION
steps each. It turns at the newest held-back close, walks the same path back, and turns again at the
last close of history. Prices never jump, and a position tells which real closes it lies between.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from marketdata.fx import weekday_number

STEPS_PER_SESSION = 120
_CENT = Decimal("0.01")
_FINE = Decimal("0.0001")
_QUIET = 0.004  # spread of a leg whose closes are almost equal


@dataclass(frozen=True, slots=True)
class Close:
    """A real close, on its shifted day."""

    date: date
    price: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """Position on the axis of working days, in steps, and the direction."""

    step: int
    forward: bool = True


def leg(*, start: Decimal, end: Decimal, steps: int, seed: str) -> list[Decimal]:
    """Return `steps` + 1 prices from `start` to `end`, each unlike the one before (steps >= 2)."""
    assert steps >= 2, "a leg needs a step on which to move"
    assert min(start, end) > 0, "prices are positive"
    source = random.Random(seed)
    walk = [0.0]
    for _ in range(steps):
        walk.append(walk[-1] + source.gauss(0.0, 1.0) / math.sqrt(steps))
    drift = math.log(end / start)
    spread = max(abs(drift) / 2, _QUIET)
    tick = _CENT if min(start, end) >= 1 else _FINE
    prices = [start]
    for index in range(1, steps):
        share = index / steps
        bridge = walk[index] - share * walk[-1]
        exact = float(start) * math.exp(drift * share + spread * bridge)
        rounded = Decimal(repr(exact)).quantize(tick, rounding=ROUND_HALF_EVEN)
        refused = {prices[-1], end} if index == steps - 1 else {prices[-1]}
        prices.append(_parted(max(rounded, tick), refused, tick, up=bridge >= 0))
    prices.append(end)
    return prices


def _parted(price: Decimal, refused: set[Decimal], tick: Decimal, *, up: bool) -> Decimal:
    """Return the price, moved by the fewest ticks that make it acceptable."""
    steps = [0, 1, -1, 2, -2] if up else [0, -1, 1, -2, 2]
    candidates = [price + count * tick for count in steps]
    return next(found for found in candidates if found > 0 and found not in refused)


@dataclass(frozen=True, slots=True)
class Walk:
    """The legs of one asset along its closes, walked back and forth between `turn` and the last.

    `turn` is the last close of history. Earlier closes serve a walk that a new day overtook.
    """

    symbol: str
    closes: tuple[Close, ...]
    turn: date
    _legs: dict[int, list[Decimal]] = field(default_factory=dict, compare=False, repr=False)

    def start(self) -> Position:
        """Return the first position: the last close of history."""
        return Position(_axis(self.turn))

    def covers(self, position: Position) -> bool:
        """Return whether the position lies on the path."""
        return _axis(self.closes[0].date) <= position.step <= _axis(self.closes[-1].date)

    def advanced(self, position: Position) -> Position:
        """Return the next position; the walk turns at the newest close and at the turn."""
        forward = position.forward
        if position.step >= _axis(self.closes[-1].date):
            forward = False
        elif position.step <= _axis(self.turn):
            forward = True
        return Position(position.step + (1 if forward else -1), forward)

    def price(self, position: Position) -> Decimal:
        """Return the price at a position on the path."""
        assert self.covers(position), "the walk left its closes"
        index = self._leg_index(position.step)
        first, last = self.closes[index], self.closes[index + 1]
        if index not in self._legs:
            self._legs[index] = leg(
                start=first.price,
                end=last.price,
                steps=_axis(last.date) - _axis(first.date),
                seed=f"{self.symbol} {first.date} {last.date}",
            )
        return self._legs[index][position.step - _axis(first.date)]

    def _leg_index(self, step: int) -> int:
        ends = [_axis(close.date) for close in self.closes[1:]]
        return bisect_left(ends, step)


def walk(*, symbol: str, closes: Sequence[Close], turn: date) -> Walk | None:
    """Return the walk along ascending closes; None if no close lies at the turn or after it."""
    kept: list[Close] = []
    for close in closes:
        if kept and weekday_number(close.date) <= weekday_number(kept[-1].date):
            continue  # two sessions on one working day: the first one counts
        kept.append(close)
    days = [close.date for close in kept]
    if turn not in days or days[-1] == turn:
        return None
    return Walk(symbol, tuple(kept), turn)


def _axis(day: date) -> int:
    return weekday_number(day) * STEPS_PER_SESSION
