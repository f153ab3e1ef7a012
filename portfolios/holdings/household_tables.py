"""The securities of a household filtered and sorted. Pure.

A figure that is not known sorts last in both directions; ties are in the order of the symbol.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from portfolios.holdings.households import HouseholdHolding, HouseholdValue
from portfolios.holdings.tables import Filters, by_figure

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


def securities(
    *,
    household: HouseholdValue,
    filters: Filters,
    account_id: UUID | None = None,
    sort: str = "symbol",
) -> list[HouseholdHolding]:
    """Return the securities that match; `sort` with a minus for the largest first.

    `account_id`: only those that this account holds.
    """
    figure, descending = SORTS[sort.removeprefix("-")], sort.startswith("-")
    rows = [
        row
        for row in household.holdings
        if filters.match(row)
        and (account_id is None or any(held.account_id == account_id for held in row.accounts))
    ]
    return by_figure(rows, figure, descending=descending)
