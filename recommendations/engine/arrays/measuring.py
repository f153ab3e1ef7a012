"""What the orders of many accounts do: drift before and after, money traded, estimated tax.

These figures describe a night; the exact ones of an account are those of `rebalancing.py`, to the
cent, when somebody opens its recommendation.
"""

from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Bools, Floats
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.arrays.compiling import compiled, entry
from recommendations.engine.arrays.items import (
    Room,
    in_band,
    room_of,
    write_aims,
    write_items,
)


class Figures(NamedTuple):
    """One row for each account: drifts are fractions of its value, the rest is money.

    outside: whether a security or cash was outside its band before the orders.
    """

    drift_before: Floats
    drift_after: Floats
    turnover: Floats
    tax: Floats
    outside: Bools


def figures(*, columns: Columns, shares: Floats, no_losses: Bools) -> Figures:
    """Return the figures of orders: `shares` sold of each security, negative if bought."""
    count = len(columns.accounts)
    made = Figures(
        drift_before=np.zeros(count),
        drift_after=np.zeros(count),
        turnover=np.zeros(count),
        tax=np.zeros(count),
        outside=np.zeros(count, np.bool_),
    )
    _measure(columns, shares, no_losses, made)
    return made


@entry
def _measure(columns: Columns, shares: Floats, no_losses: Bools, made: Figures) -> None:
    accounts, securities, _ = columns
    for a in range(len(accounts)):
        first, last = accounts[a].securities_begin, accounts[a].securities_end
        lots = 0
        for s in range(first, last):
            lots += securities[s].lots_end - securities[s].lots_begin
        room = room_of(last - first, lots)
        budget = write_aims(columns, a, room)
        if budget.value <= 0:
            continue
        write_items(columns, a, room, budget, True)
        band = accounts[a].cash_threshold * budget.value
        inside = in_band(budget.cash, budget.cash_target, band, budget.value)
        apart = abs(budget.cash - budget.cash_target)
        cash, value_after = budget.cash, 0.0
        for i in range(last - first):
            s = first + i
            aim = room.aims[i]
            inside &= in_band(aim.value, aim.target, aim.band, budget.value)
            apart += abs(aim.value - aim.target)
            money = abs(shares[s]) * securities[s].price
            cost = money * securities[s].half_spread
            if shares[s] > 0:
                taf = min(securities[s].taf_cap, shares[s] * securities[s].taf_per_share)
                cost += money * securities[s].sec_rate + taf + accounts[a].brokerage_fee
                cash += money - cost
                made.tax[a] += _tax(columns, a, s, i, room, shares[s], no_losses[s], money - cost)
            elif shares[s] < 0:
                cash -= money + cost + accounts[a].brokerage_fee
            made.turnover[a] += money
            value_after += room.aims[i].value - shares[s] * securities[s].price
        made.outside[a] = not inside
        made.drift_before[a] = apart / budget.value / 2
        value_after += cash
        if value_after > 0:
            after = abs(cash / value_after - budget.cash_target / budget.value)
            for i in range(last - first):
                held = room.aims[i].value - shares[first + i] * securities[first + i].price
                after += abs(held / value_after - room.aims[i].target / budget.value)
            made.drift_after[a] = after / 2


@compiled
def _tax(
    columns: Columns,
    a: int,
    s: int,
    i: int,
    room: Room,
    sold: float,
    no_losses: bool,
    net: float,
) -> float:
    """Return the tax of one sale; a loss saves some, as the result of a rebalance states it."""
    account, lots = columns.accounts[a], columns.lots
    left, tax = sold, 0.0
    items = room.items
    for k in range(items.securities[i].lots_begin, items.securities[i].lots_end):
        if left <= 0:
            break
        if no_losses and items.lots[k].loss:
            continue
        taken = min(left, items.lots[k].shares)
        lot = lots[room.lot[k]]
        rate = account.long_rate if lot.long_term else account.short_rate
        tax += rate * (net * taken / sold - lot.basis * taken / lot.quantity)
        left -= taken
    return tax
