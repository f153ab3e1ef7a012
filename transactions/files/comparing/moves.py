"""Effects of transactions on the units of each security and on cash, in order of time. Pure.

    after = a * before + b      one step of one security; a is 1 except for splits, stock dividends
                                by a ratio, and exchanges
    effect                      what the units at the end would lack without the step: its change,
                                times every later a

Worked example: a purchase of 10, a purchase of 5, a split 2:1, a sale of 6. At the end there are
24. The second purchase has the effect 10, the split 15, the sale -6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from transactions.ledger.kinds import BOOKED_TYPES, KINDS

NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transaction of the ledger, or one row of a file that is not in it.

    `cash` is the change of the account's cash in its currency; `price` per unit, without the fee,
    in that currency; 0 if there is none. `name` is the source's own id. `line`: of a file's row.
    """

    id: str
    day: date
    at: datetime
    rank: int
    type: str
    symbol: str = ""
    new_symbol: str = ""
    quantity: Fraction = NOTHING
    ratio: Fraction | None = None
    cash: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    name: str = ""
    line: int | None = None

    @property
    def figures(self) -> tuple[object, ...]:
        """Return what two records of one transaction have in common."""
        return self.type, self.symbol, self.day, self.quantity, self.ratio, self.cash

    @property
    def is_trade(self) -> bool:
        return KINDS[self.type].figures == "trade"


@dataclass(slots=True)
class Step:
    """A move as one security sees it; `effect` is filled in from the end."""

    move: Move
    before: Fraction
    after: Fraction
    scale: Fraction
    effect: Fraction = NOTHING
    later_scale: Fraction = Fraction(1)


@dataclass(slots=True)
class Folded:
    """The units of each security after the moves, its steps, and its income paid in cash."""

    units: dict[str, Fraction] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    income: dict[str, list[Move]] = field(default_factory=dict)

    def held(self, symbol: str) -> Fraction:
        return self.units.get(symbol, NOTHING)


def folded(moves: Iterable[Move]) -> Folded:
    """Return the units after the moves, which may come in any order."""
    found = Folded()
    for move in sorted(moves, key=lambda move: (move.at, move.rank)):
        if move.type == "dividend":
            found.income.setdefault(move.symbol, []).append(move)
        if move.type not in BOOKED_TYPES or not move.symbol:
            continue
        before, units = found.held(move.symbol), KINDS[move.type].units
        kept, arrived = units(before, move.quantity, move.ratio)
        more, _ = units(before + 1, move.quantity, move.ratio)
        _add(found, move, move.symbol, Fraction(kept), scale=Fraction(more - kept))
        if move.new_symbol:
            _add(found, move, move.new_symbol, found.held(move.new_symbol) + Fraction(arrived))
    for steps in found.steps.values():
        scale = Fraction(1)
        for step in reversed(steps):
            step.later_scale = scale
            step.effect = (step.after - step.before) * scale
            scale *= step.scale
    return found


def _add(
    found: Folded, move: Move, symbol: str, after: Fraction, *, scale: Fraction = Fraction(1)
) -> None:
    found.steps.setdefault(symbol, []).append(Step(move, found.held(symbol), after, scale))
    found.units[symbol] = after


def until(moves: Sequence[Move], day: date) -> list[Move]:
    """Return the moves of which the trade date is not after the day."""
    return [move for move in moves if move.day <= day]


def decimal_of(value: Fraction) -> Decimal:
    """Return units with the digits that the ledger keeps."""
    return round(Decimal(value.numerator) / Decimal(value.denominator), 10)
