"""Transactions as columns, and in the ledger's order. Pure; exact integers.

    order      executed_at, then the rank of the kind; corporate actions of one instant as the book
               takes them, by account, asset and turn; then id
    transfers  between two of the accounts: the units leave one on the day they arrive in the other

The reader leaves out reversed transactions and their reversals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.limits import FX_RATE_DECIMALS, PRICE_DECIMALS, QUANTITY_DECIMALS
from portfolios.prices.rule import Ints, Whole
from transactions.ledger.kinds import EVENT, KINDS, OWN_TRANSFER

UNIT_DECIMALS = QUANTITY_DECIMALS
CASH_DECIMALS = 4
RATE_DECIMALS = FX_RATE_DECIMALS
# Parts of a payment are amounts times the rate they were booked at.
PART_DECIMALS = CASH_DECIMALS + RATE_DECIMALS
MARK_DECIMALS = PRICE_DECIMALS

# Kinds go by their number in the ledger's table.
KIND_NUMBERS: Mapping[str, int] = {name: number for number, name in enumerate(KINDS)}
_RANKS = np.array([kind.rank for kind in KINDS.values()])
_TURNS = np.array([kind.turn for kind in KINDS.values()])
_TRANSFER_OUT = KIND_NUMBERS["transfer_out"]

_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()


class Event(NamedTuple):
    """What few facts have: the asset a corporate action leads to, and new units for one old."""

    new_asset: int | None
    ratio: Fraction | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Transactions as columns of equal length, with the ledger's fields.

    Money is in 10^-4, quantities in 10^-10, prices in 10^-8, rates in 10^-24. No asset is 0, no
    quantity is 0, no price is below 0.
    """

    ids: Ints
    accounts: Ints
    kinds: Ints
    # Microseconds since 1970, UTC; within the trade date.
    instants: Ints
    assets: Ints
    amounts: Whole
    cash_effects: Whole
    fees: Whole
    quantities: Whole
    prices: Whole
    fx_rates: Whole
    # The currency of amount, fee and price, by its place in `names`.
    currencies: Ints
    names: tuple[str, ...]
    # By id of the fact.
    events: Mapping[int, Event]
    # By id of a transfer in: the transfer out it took its lots from.
    counterparts: Mapping[int, int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def days(self) -> Ints:
        """The ordinal of each trade date."""
        found: Ints = self.instants // _DAY + _EPOCH
        return found

    def picked(self, rows: NDArray[Any]) -> "Facts":
        """Return these rows, by place or by mask, in their order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def in_order(self) -> "tuple[Facts, NDArray[np.bool_]]":
        """Return the facts in the ledger's order, and which pass between own accounts."""
        instants, own = self.instants, np.zeros(len(self), dtype=bool)
        if self.counterparts:
            instants = instants.copy()
            for arrived, left in self._own_transfers():
                instants[left] = instants[arrived]
                own[[arrived, left]] = True
        ranks = np.where(own, OWN_TRANSFER, _RANKS[self.kinds])
        # Other kinds add or take units, so their order within a rank changes nothing.
        events = ranks == EVENT
        places = np.where(events, self.assets, 0), np.where(events, self.accounts, 0)
        order = np.lexsort((self.ids, _TURNS[self.kinds], *places, ranks, instants))
        return replace(self, instants=instants).picked(order), own[order]

    def _own_transfers(self) -> Sequence[tuple[int, int]]:
        """Return where units arrive and where they left, for each transfer between the accounts."""
        left = np.flatnonzero(self.kinds == _TRANSFER_OUT)
        rows = dict(zip(self.ids[left].tolist(), left.tolist(), strict=True))
        arrived = np.flatnonzero(np.isin(self.ids, list(self.counterparts)))
        pairs = [(row, rows.get(self.counterparts[int(self.ids[row])])) for row in arrived.tolist()]
        return [(row, other) for row, other in pairs if other is not None]


_COLUMNS = tuple(
    field.name for field in fields(Facts) if field.name not in {"names", "events", "counterparts"}
)
