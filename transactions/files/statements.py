"""Comparison of the cash that a file states with the cash its rows move. Pure.

    checkpoint   a row after which the file states the balance of the account's currency, and
                 nothing is left in any other currency: a broker that keeps several balances moves
                 cash between them, which we keep as one
    difference   a day at whose end the stated balance has changed by another amount than our rows
                 moved: within a day a file may state in several rows what we record in one. What
                 meets the statement again later is none: a row and its cancellation

Worked example: 300.00 after a deposit of 300; the next day 12.25 after a purchase for 287.75, and
9.83 after its costs of 2.42: three checkpoints, no difference, though we record the costs with the
purchase. If the row of costs was refused, the balance changes by -290.17 and our rows by -287.75:
one difference, because a row was refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from transactions.files.reading.interface import Balance

ZERO = Decimal(0)
Reason = Literal["rows_refused", "rows_left_out", "figures_differ"]


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a file in the order of time, and what it adds to the account's cash.

    `effect` is zero for a row that is neither recorded nor in the ledger already; `lacking` says
    why a row is missing.
    """

    line: int
    number: int
    effect: Decimal
    balance: Balance | None = None
    lacking: Reason | None = None
    # None for a row whose day cannot be read: it counts to the day of the row before.
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row whose balance our rows do not explain, and both changes of its day."""

    line: int
    number: int
    stated: Decimal
    ours: Decimal
    reason: Reason


@dataclass(frozen=True, slots=True)
class CashCheck:
    """The outcome of a comparison; `closing` is None if the file states no usable balance."""

    checkpoints: int
    differences: int
    first: Difference | None
    opening: Decimal | None
    closing: Decimal | None


def compared(steps: Iterable[Step], *, currency: str) -> CashCheck:
    """Compare the steps of a file, oldest first, in the account's currency."""
    run = _Run(currency)
    for step in steps:
        if step.day is not None and step.day != run.day:
            run.close_day()
            run.day = step.day
        run.take(step)
    run.close_day()
    found = run.differences
    first = found[0] if found else None
    return CashCheck(run.checkpoints, len(found), first, run.opening, run.stated)


@dataclass(slots=True)
class _Run:
    """A comparison under way. `gap` is the stated balance less what our rows have moved so far."""

    currency: str
    day: date | None = None
    balances: dict[str, Decimal] = field(default_factory=dict)
    moved: Decimal = ZERO
    checkpoints: int = 0
    differences: list[Difference] = field(default_factory=list)
    opening: Decimal | None = None
    stated: Decimal | None = None
    # At the end of the last day with a checkpoint.
    gap: Decimal | None = None
    before: tuple[Decimal, Decimal] = (ZERO, ZERO)
    # Of this day: the first row whose gap differs, the gap after the last row, what is missing.
    parted: Step | None = None
    gap_now: Decimal | None = None
    lacking: set[Reason] = field(default_factory=set)

    def take(self, step: Step) -> None:
        self.moved += step.effect
        if step.lacking is not None:
            self.lacking.add(step.lacking)
        if step.balance is None:
            return
        self.balances[step.balance.currency or self.currency] = step.balance.amount
        if any(amount for other, amount in self.balances.items() if other != self.currency):
            return
        stated = self.balances.get(self.currency)
        if stated is None:
            return
        self.checkpoints += 1
        self.stated = stated
        self.gap_now = stated - self.moved
        if self.opening is None:
            self.opening = self.gap_now
        if self.gap is not None and self.gap_now != self.gap:
            self.parted = self.parted or step

    def close_day(self) -> None:
        """Count a difference if the day ends with another gap than the day before."""
        if self.gap_now is None or self.stated is None:
            return
        at = self.parted
        if self.gap is not None and self.gap_now != self.gap and at is not None:
            stated, moved = self.stated - self.before[0], self.moved - self.before[1]
            found = Difference(at.line, at.number, stated, moved, _reason(self.lacking))
            self.differences.append(found)
        if self.gap_now == self.opening:
            self.differences.clear()  # what parted has met again: a row and its cancellation
        self.gap, self.before = self.gap_now, (self.stated, self.moved)
        self.parted, self.gap_now = None, None
        self.lacking.clear()


def _reason(lacking: set[Reason]) -> Reason:
    if "rows_refused" in lacking:
        return "rows_refused"
    return "rows_left_out" if lacking else "figures_differ"
