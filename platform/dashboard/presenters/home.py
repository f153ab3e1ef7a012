"""The figures of the home: change, allocation and movers. Pure.

change       what was earned in the range: all but deposits and withdrawals, as the performance page
             says; in percent time-weighted
share        of the total in percent; the targets of the accounts weighted by their totals
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboard.presenters import performance
from dashboard.presenters.weights import Slice, ring
from portfolios.holdings.households import HouseholdHolding, HouseholdValue
from portfolios.holdings.valuation import percentage
from portfolios.income.expected import ANNOUNCED, Expected
from portfolios.performance.answer import Answer

RANGES = (("1d", "1D", "Today"), *performance.RANGES)
# The chart of a day shows the week before it.
DAYS_BESIDE_ONE = 7
DIVISIONS = ("class", "currency", "account")
CASH = "cash"
_CLASSES = {
    "equity": "Stocks",
    "etf": "ETFs",
    "bond": "Bonds",
    "fund": "Funds",
    "crypto": "Crypto",
    "cash": "Cash",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What was earned in a range, in money and in percent, and what was paid in."""

    amount: Decimal | None
    percentage: Decimal | None
    paid_in: Decimal | None


def change(found: Answer) -> Change:
    """Return the gain of a performance and its time-weighted return."""
    bridge, twr = found.reconciliation, found.figures["time_weighted_return"]
    return Change(
        None if bridge is None else bridge.gain,
        None if twr is None else twr * 100,
        None if bridge is None else bridge.net_transfers,
    )


@dataclass(frozen=True, slots=True)
class Division:
    """One part of the household: its key, its name and its value."""

    key: str
    label: str
    value: Decimal


def divided(found: HouseholdValue, by: str) -> list[Division]:
    """Return the parts of a household, largest first; their values sum to its total."""
    if by == "account":
        parts = [
            Division(str(part.account_id), part.name, found.account_total(part) or Decimal(0))
            for part in found.accounts
        ]
    elif by == "currency":
        parts = _by_currency(found)
    else:
        sums: dict[str, Decimal] = {CASH: found.cash}
        for row in found.holdings:
            name = row.position.asset_class
            sums[name] = sums.get(name, Decimal(0)) + (row.value or Decimal(0))
        parts = [Division(key, _CLASSES.get(key, key), value) for key, value in sums.items()]
    return sorted((part for part in parts if part.value), key=lambda part: (-part.value, part.key))


def _by_currency(found: HouseholdValue) -> list[Division]:
    """Return the value held in each currency; cash is in the currency of its account."""
    sums: dict[str, Decimal] = {}
    for row in found.holdings:
        name = row.position.currency
        sums[name] = sums.get(name, Decimal(0)) + (row.value or Decimal(0))
    invested: dict[str, Decimal] = {}
    for row in found.holdings:
        for held in row.accounts:
            key = str(held.account_id)
            invested[key] = invested.get(key, Decimal(0)) + (held.value or Decimal(0))
    for part in found.accounts:
        total = found.account_total(part)
        if total is not None:
            name = part.value.currency
            cash = total - invested.get(str(part.account_id), Decimal(0))
            sums[name] = sums.get(name, Decimal(0)) + cash
    return [Division(name, name, value) for name, value in sums.items()]


@dataclass(frozen=True, slots=True)
class Share:
    """A slice of the ring with its value and, where every account has targets, its target."""

    slice: Slice
    value: Decimal | None
    target: Decimal | None

    @property
    def off(self) -> Decimal | None:
        """How far the share is above its target, in percentage points."""
        return None if self.target is None else self.slice.weight - self.target


def slices(parts: Sequence[Division], targets: Mapping[str, Decimal] | None) -> list[Share]:
    """Return the parts as slices of a ring; parts with a target and without a value are added."""
    total = sum((part.value for part in parts), Decimal(0))
    weights = {part.key: percentage(part.value, total) or Decimal(0) for part in parts}
    labels = {part.key: part.label for part in parts}
    values = {part.key: part.value for part in parts}
    for key in targets or {}:
        weights.setdefault(key, Decimal(0))
        labels.setdefault(key, _CLASSES.get(key, key))
    cut = ring(parts=[(key, labels[key], weights[key]) for key in weights], cash=None)
    return [
        Share(
            one,
            values.get(one.key),
            None if targets is None or one.key == "other" else targets.get(one.key, Decimal(0)),
        )
        for one in cut
    ]


@dataclass(frozen=True, slots=True)
class Coming:
    """A payment to come, in the household's currency; `basis`: announced or expected."""

    label: str
    day: date
    basis: str
    amount: Decimal


def coming(
    rows: Sequence[Expected], *, symbols: Mapping[int | None, str], until: date
) -> list[Coming]:
    """Return the payments until a day, the next one first; those without a rate are left out."""
    found = [
        Coming(
            symbols.get(row.asset_id) or "Cash",
            row.day,
            "announced" if row.basis == ANNOUNCED else "expected",
            row.amount_household,
        )
        for row in rows
        if row.day <= until and row.amount_household is not None
    ]
    return sorted(found, key=lambda row: (row.day, row.label))


def movers(
    found: HouseholdValue, *, most: int
) -> tuple[list[HouseholdHolding], list[HouseholdHolding]]:
    """Return the holdings that gained most and those that lost most today, in money."""
    moved = [row for row in found.holdings if row.day_change]
    ordered = sorted(moved, key=lambda row: (-(row.day_change or Decimal(0)), row.position.symbol))
    gained = [row for row in ordered if (row.day_change or 0) > 0][:most]
    lost = [row for row in reversed(ordered) if (row.day_change or 0) < 0][:most]
    return gained, lost
