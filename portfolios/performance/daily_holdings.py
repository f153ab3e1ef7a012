"""Units and cash held on each day, from the transactions of the ledger. Pure; exact integers.

    units      after each day, in steps of 10^-10: each fact does what the ledger's table of kinds
               says. Where quantities are only added and taken, they are running sums; an asset of
               a corporate action is walked fact by fact, because a ratio needs the units held
    cash       after each day by currency of the account, in ten-thousandths
    payments   the parts of each transaction's cash (`payments`)
    deliveries units that arrived or left without money: transfers in kind, spin-offs, mergers

Units are those of their day: before a split, the old ones. A transfer between two of the accounts
is no delivery.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.facts import UNIT_DECIMALS, Event, Facts
from portfolios.performance.payments import Payments, payments
from portfolios.prices.rule import Ints, Points, Whole
from transactions.ledger.kinds import KINDS
from transactions.ledger.repeated_splits import Splits
from transactions.ledger.unit_moves import Units

_KINDS = tuple(KINDS.values())
# What a kind does to units: adds 1, takes -1, 0 nothing; _BY_RATIO: it depends on the units held.
_BY_RATIO = 2
_SIGNS = np.array([_BY_RATIO if kind.sign is None else kind.sign for kind in _KINDS])
_STEPS = np.array([bool(kind.step) for kind in _KINDS])
_TRANSFERS = np.array([kind.figures == "transfer" for kind in _KINDS])
_TRADES = np.array([kind.figures == "trade" for kind in _KINDS])

_NO_EVENT = Event(None, None)
# A sum of whole numbers below this in floating point is far from the end of eight bytes.
_SUM_MAX = 2.0**62


class Delivery(NamedTuple):
    """Units of `asset` (steps; < 0: they left) that moved without money.

    `other` is the asset they were exchanged for or spun off from; None: a transfer with outside.
    """

    day: int
    asset: int
    units: int
    other: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Units of each asset and cash of each currency at the end of each day that changed them.

    Payments and deliveries are what changed them. `marks` are the prices of the owner's own
    trades, in 10^-8.
    """

    units: Mapping[int, Points]
    cash: Mapping[str, Points]
    payments: Payments
    deliveries: Sequence[Delivery]
    splits: Mapping[int, Sequence[tuple[int, Fraction]]]
    marks: Mapping[int, Points]
    first_day: int | None


def history(*, facts: Facts, currencies: Mapping[int, str]) -> History:
    """Return the history of the accounts in `currencies` (by account); facts in any order."""
    facts, own = facts.in_order()
    days = facts.days
    walked = _walked(facts)
    walk = _Walk(own)
    walk.run(facts.picked(walked), np.flatnonzero(walked))
    signs = _SIGNS[facts.kinds]
    summed = np.flatnonzero((signs != 0) & (facts.quantities != 0) & ~walked)
    moves = signs[summed] * facts.quantities[summed]
    units = _running_totals(facts.assets[summed], days[summed], moves, summed)
    units |= walk.points()
    # In the order in which the assets first moved.
    places = {asset: place for asset, (place, _) in units.items()}
    leaving = _TRANSFERS[facts.kinds[summed]] & ~own[summed]
    deliveries = walk.deliveries + [
        (row, Delivery(int(days[row]), int(facts.assets[row]), int(move)))
        for row, move in zip(summed[leaving].tolist(), moves[leaving].tolist(), strict=True)
    ]
    paid = payments(facts, currencies)
    return History(
        units={asset: units[asset][1] for asset in sorted(units, key=places.__getitem__)},
        cash=_balances(facts, currencies),
        payments=paid,
        deliveries=[delivery for _, delivery in sorted(deliveries, key=lambda one: one[0])],
        splits=_splits(walk),
        marks=_marks(facts),
        first_day=int(days.min()) if len(facts) else None,
    )


def price_facts(
    facts: Facts,
) -> tuple[dict[int, Points], dict[int, Sequence[tuple[int, Fraction]]]]:
    """Return the marks and the splits of each asset; facts of some assets only, in any order."""
    facts, own = facts.in_order()
    walked = _walked(facts)
    walk = _Walk(own)
    walk.run(facts.picked(walked), np.flatnonzero(walked))
    return _marks(facts), _splits(walk)


def _splits(walk: "_Walk") -> dict[int, Sequence[tuple[int, Fraction]]]:
    return {
        asset: [(split.day, split.ratio) for split in known]
        for asset, known in walk.splits.by_asset.items()
    }


def _walked(facts: Facts) -> NDArray[np.bool_]:
    """Return the facts that move units of assets whose units once depended on a ratio."""
    by_ratio = _SIGNS[facts.kinds] == _BY_RATIO
    assets = {*facts.assets[by_ratio].tolist()}
    assets |= {event.new_asset for event in facts.events.values() if event.new_asset is not None}
    found: NDArray[np.bool_] = _STEPS[facts.kinds] & np.isin(facts.assets, list(assets))
    return found


def _running_totals(
    keys: Ints, days: Ints, changes: Whole, places: Ints
) -> dict[int, tuple[tuple[int, int], Points]]:
    """Return the total of each key at the end of each day that changed it, by the first place.

    The rows are in the order of time.
    """
    found = {}
    order = np.argsort(keys, kind="stable")
    keys, days, changes = keys[order], days[order], changes[order]
    for start, end in _runs(keys):
        total = running_total(changes[start:end])
        last = np.append(np.diff(days[start:end]) != 0, [True])
        first = (int(places[order[start]]), 0)
        found[int(keys[start])] = first, Points(days[start:end][last], total[last])
    return found


def _runs(keys: Ints) -> Sequence[tuple[int, int]]:
    """Return where each key of a sorted column begins and ends; keys are not negative."""
    starts = np.flatnonzero(np.diff(keys, prepend=-1)).tolist()
    return list(zip(starts, [*starts[1:], len(keys)], strict=False))


def running_total(changes: Whole) -> Whole:
    """Return the sums up to each number, in eight bytes where they cannot overflow."""
    if changes.dtype != object and np.abs(changes.astype(np.float64)).sum() >= _SUM_MAX:
        changes = changes.astype(object)
    found: Whole = np.cumsum(changes)
    return found


def _balances(facts: Facts, currencies: Mapping[int, str]) -> dict[str, Points]:
    """Return the cash of each currency of the accounts."""
    some = np.flatnonzero(facts.cash_effects)
    accounts, places = np.unique(facts.accounts[some], return_inverse=True)
    names = [currencies[account] for account in accounts.tolist()]
    kinds = sorted(set(names))
    keys = np.array([kinds.index(name) for name in names], dtype=np.int64)[places]
    totals = _running_totals(keys, facts.days[some], facts.cash_effects[some], some)
    return {kinds[key]: points for key, (_, points) in totals.items()}


def _marks(facts: Facts) -> dict[int, Points]:
    """Return the last price of each day at which the owner traded an asset."""
    eventful = np.isin(facts.ids, [pk for pk, event in facts.events.items() if event.new_asset])
    rows = np.flatnonzero(_TRADES[facts.kinds] & (facts.prices > 0) & ~eventful)
    rows = rows[np.argsort(facts.assets[rows], kind="stable")]
    assets, days, prices = facts.assets[rows], facts.days[rows], facts.prices[rows]
    found = {}
    for start, end in _runs(assets):
        last = np.append(np.diff(days[start:end]) != 0, [True])
        found[int(assets[start])] = Points(days[start:end][last], prices[start:end][last])
    return found


class _Walk:
    """Units of each account and asset, fact by fact. Mutable, used once."""

    def __init__(self, own: NDArray[np.bool_]) -> None:
        self.own = own
        self.held: dict[tuple[int, int], Units] = {}
        self.totals: dict[int, Units] = {}
        self.units: dict[int, dict[int, int]] = {}
        self.first: dict[int, tuple[int, int]] = {}
        self.splits = Splits()
        # With the place of the fact that delivered them.
        self.deliveries: list[tuple[int, Delivery]] = []

    def run(self, facts: Facts, places: NDArray[Any]) -> None:
        """Walk facts in the ledger's order; `places` are their places among all facts."""
        columns = (
            places,
            facts.ids,
            facts.accounts,
            facts.kinds,
            facts.days,
            facts.assets,
            facts.quantities,
            facts.amounts,
            facts.prices,
        )
        for place, pk, *rest in zip(*(column.tolist() for column in columns), strict=True):
            self.change(_Fact(facts.events.get(pk, _NO_EVENT), place, *rest))

    def points(self) -> dict[int, tuple[tuple[int, int], Points]]:
        """Return the units of each asset by day, and when it first moved."""
        return {
            asset: (
                self.first[asset],
                Points(np.array(list(by_day), dtype=np.int64), _whole(list(by_day.values()))),
            )
            for asset, by_day in self.units.items()
        }

    def move(self, fact: "_Fact", asset: int, change: Units) -> None:
        place = fact.account, asset
        left: Units = self.held.get(place, 0) + change
        if -1 < left < 1:
            change -= left  # less than the last decimal: the whole holding was meant
            left = 0
        self.held[place] = left
        self.totals[asset] = self.totals.get(asset, 0) + change
        self.first.setdefault(asset, (fact.place, len(self.first)))
        self.units.setdefault(asset, {})[fact.day] = round(self.totals[asset])

    def deliver(self, fact: "_Fact", asset: int, change: Units, other: int | None = None) -> None:
        if round(change):
            one = Delivery(fact.day, asset, round(change), other)
            self.deliveries.append((fact.place, one))

    def change(self, fact: "_Fact") -> None:
        """Move the units of a fact, as the table of kinds says, and note what follows of it."""
        assert fact.asset, "what moves units is of an asset"
        kind, (new_asset, ratio) = _KINDS[fact.kind], fact.event
        held = self.held.get((fact.account, fact.asset), 0)
        after, received = kind.units(held, fact.quantity, ratio)
        if after != held:
            self.move(fact, fact.asset, after - held)
        if kind.figures == "transfer" and not self.own[fact.place]:
            self.deliver(fact, fact.asset, after - held)
        if kind.rescales and held:
            stated = Fraction(after) / Fraction(held)
            self.splits.stated(asset=fact.asset, day=fact.day, ratio=stated, account=fact.account)
        if new_asset is not None:
            self.move(fact, new_asset, received)
            if kind.purchase:
                self.deliver(fact, fact.asset, after - held, other=new_asset)
            else:
                self.deliver(fact, new_asset, received, other=fact.asset)
        if kind.may_sell and fact.amount and fact.price < 0:
            self.sell_fraction(fact, new_asset or fact.asset)

    def sell_fraction(self, fact: "_Fact", asset: int) -> None:
        """Sell the fraction of a share for which cash in lieu was paid."""
        fraction = self.held.get((fact.account, asset), 0) % 10**UNIT_DECIMALS
        if fraction:
            self.move(fact, asset, -fraction)


class _Fact(NamedTuple):
    """One fact of the walk; `place` among all facts, `price` below 0 for none."""

    event: Event
    place: int
    account: int
    kind: int
    day: int
    asset: int
    quantity: int
    amount: int
    price: int


def _whole(values: list[int]) -> Whole:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
