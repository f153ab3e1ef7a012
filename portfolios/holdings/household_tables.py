"""The securities of a household filtered and sorted. Pure.

A figure that is not known sorts last in both directions; ties are in the order of the symbol.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portfolios.holdings.households import HouseholdHolding, HouseholdValue

SORTS: Mapping[str, Callable[[HouseholdHolding], Any]] = {
    "symbol": lambda row: row.position.symbol,
    "name": lambda row: row.position.name.casefold(),
    "asset_class": lambda row: row.position.asset_class,
    "market_value": lambda row: row.value,
    "cost_basis": lambda row: row.cost_basis,
    "unrealized_gain": lambda row: row.gain,
    "unrealized_gain_percentage": lambda row: row.gain_percentage,
    "day_change": lambda row: row.day_change,
    "weight": lambda row: row.value,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What securities must have; empty for no such condition. `q` is in the symbol or the name."""

    q: str = ""
    asset_class: str = ""
    currency: str = ""
    account_id: UUID | None = None
    losses_only: bool = False

    def match(self, row: HouseholdHolding) -> bool:
        position, gain, text = row.position, row.gain, self.q.casefold()
        return (
            (not text or text in position.symbol.casefold() or text in position.name.casefold())
            and self.asset_class in ("", position.asset_class)
            and self.currency in ("", position.currency)
            and (
                self.account_id is None
                or any(held.account_id == self.account_id for held in row.accounts)
            )
            and (not self.losses_only or (gain is not None and gain < 0))
        )


def securities(
    *, household: HouseholdValue, wanted: Wanted, sort: str = "symbol"
) -> list[HouseholdHolding]:
    """Return the securities that match; `sort` with a minus for the largest first."""
    figure, descending = SORTS[sort.removeprefix("-")], sort.startswith("-")
    rows = [(figure(row), row) for row in household.holdings if wanted.match(row)]
    known = [pair for pair in rows if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in rows if value is None]
