"""From columns to the solver's items: the rules of `program.py` in arrays. Compiled.

A lot's place among the sold ones: losses that count in full, losses that purchases wash, gains;
within each by tax per dollar, then by the tax a loss would have saved, then in canonical order.
"""

import math
from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Floats, Ints, Records
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.arrays.compiling import compiled
from recommendations.engine.arrays.curves import LOT, SECURITY, Budget, Items
from recommendations.engine.arrays.sorting import places_sorted
from recommendations.engine.hulls import EVEN_REACH
from recommendations.engine.program import BAND_RETURN, FEES_PER_TRADE_MIN, LOSS_MARGIN, SAME

_BAND_RETURN = float(BAND_RETURN)
_FEES_PER_TRADE_MIN = float(FEES_PER_TRADE_MIN)
_QUANTITY_STEP = 1e-6

# Kept lots come last and are left out.
LOSSES, WASHED, GAINS, KEPT = 0, 1, 2, 3


AIM = np.dtype([(name, np.float64) for name in ("value", "target", "band", "washed", "kept")])


class Room(NamedTuple):
    """Buffers of one account: the solver's items, the lot behind each of theirs, and the aims.

    An aim is a security's value, target and band in money, and how many shares of it are washed
    and kept.
    """

    items: Items
    lot: Ints
    aims: Records


@compiled
def room_of(securities: int, lots: int) -> Room:
    """Return buffers for an account; a lot that is washed in part takes two rows."""
    rows = lots + securities
    items = Items(np.empty(securities, SECURITY), np.empty(rows, LOT))
    return Room(items, np.empty(rows, np.int64), np.empty(securities, AIM))


@compiled
def _aimed_band(held: float, target: float, band: float, value: float) -> float:
    """Return the half-width without penalty: the band, or its return share from outside."""
    return band if in_band(held, target, band, value) else band * _BAND_RETURN


@compiled
def in_band(held: float, target: float, band: float, value: float) -> bool:
    """Return whether a holding worth `held` is within `band` of its target; value: the account's.

    `recommendations/queries/screening.py` has the same rule in SQL.
    """
    return abs(held - target) <= band + SAME * value


@compiled
def write_aims(columns: Columns, a: int, room: Room) -> Budget:
    """Write values, targets and bands of the account's securities in money; return its budget."""
    accounts, securities, lots = columns
    first, last = accounts[a].securities_begin, accounts[a].securities_end
    value = accounts[a].cash
    whole = 0.0
    for s in range(first, last):
        held = 0.0
        for k in range(securities[s].lots_begin, securities[s].lots_end):
            held += lots[k].quantity
        room.items.securities[s - first].held = held
        room.aims[s - first].value = held * securities[s].price
        value += held * securities[s].price
        whole += securities[s].weight
    cash_aim = max(accounts[a].cash_weight * value, accounts[a].cash_floor)
    share = max(value - cash_aim, 0.0) / whole if whole > 0 else 0.0
    for s in range(first, last):
        room.aims[s - first].target = securities[s].weight * share
        room.aims[s - first].band = securities[s].threshold * value
    band = accounts[a].cash_threshold * value
    return Budget(
        accounts[a].cash,
        accounts[a].cash_floor,
        cash_aim,
        _aimed_band(accounts[a].cash, cash_aim, band, value),
        accounts[a].drift_penalty,
        value,
        value * EVEN_REACH if accounts[a].even else value,
    )


@compiled
def write_items(columns: Columns, a: int, room: Room, budget: Budget, free_sales: bool) -> None:
    """Write the solver's items. `free_sales` lets a sale go below the band, to reach the floor."""
    account, securities = columns.accounts[a], columns.securities
    first, last = account.securities_begin, account.securities_end
    proceeds = budget.cash - budget.floor
    for s in range(first, last):
        if securities[s].may_sell:
            proceeds += room.aims[s - first].value
    proceeds = max(proceeds, 0.0)
    fee = account.brokerage_fee
    least = max(account.minimum_trade, _FEES_PER_TRADE_MIN * fee)
    items = room.items
    for i in range(last - first):
        security, item, aim = securities[first + i], items.securities[i], room.aims[i]
        item.lots_begin = items.securities[i - 1].lots_end if i else 0
        price, value = security.price, aim.value
        item.group = security.group
        item.whole = account.whole or not security.fractional
        item.fee = fee
        item.buy_cost = security.half_spread
        if price <= 0:
            # It is not traded, and costs nothing.
            item.price, item.lots_end = 1.0, item.lots_begin
            item.held = item.target = item.band = item.minimum_shares = 0.0
            item.sell_cost = item.fee_after_tax = item.sell_max = item.buy_max = 0.0
            continue
        item.price = price
        # Above its cap the TAF is concave: its chord to the whole position never exceeds it.
        taf = security.taf_per_share
        if value * taf > security.taf_cap * price:
            taf = security.taf_cap * price / value
        item.sell_cost = item.buy_cost + security.sec_rate + taf / price
        dearest = _write_lots(columns, a, first + i, i, room, fee / least if fee > 0 else 0.0)
        item.fee_after_tax = fee * (1 - dearest) if fee > 0 else 0.0
        item.target = aim.target
        item.band = _aimed_band(value, aim.target, aim.band, budget.value)
        steps = math.ceil(least / price / _QUANTITY_STEP - 1e-9)
        item.minimum_shares = steps * _QUANTITY_STEP
        surplus = item.held
        if not free_sales and value > 0:
            surplus = item.held * max((value - aim.target + aim.band) / value, 0.0)
        item.sell_max = min(item.held, surplus) if security.may_sell else 0.0
        if room.aims[i].kept > 0:
            item.sell_max = min(item.sell_max, max(item.held - room.aims[i].kept, 0.0))
        wanted = security.may_buy and security.weight > 0
        gap = max(aim.target + aim.band - value, 0.0) if wanted else 0.0
        item.buy_max = min(gap, proceeds) / price


@compiled
def _write_lots(columns: Columns, a: int, s: int, i: int, room: Room, fee_share: float) -> float:
    """Write the security's lots in selling order; return the highest rate among them.

    Lots at a loss share the purchases that wash them, and the shares sold first are washed first:
    they save no tax, the others save all of theirs.
    """
    accounts, securities, lots = columns
    items = room.items
    begin, end = securities[s].lots_begin, securities[s].lots_end
    count = end - begin
    kinds = np.empty(count, np.int64)
    taxes, stated, losses = np.empty(count), np.empty(count), np.empty(count, np.bool_)
    harvest = accounts[a].harvest
    taxed = accounts[a].short_rate > 0 or accounts[a].long_rate > 0
    dearest = washed = held_back = 0.0
    for k in range(count):
        j = begin + k
        rate = accounts[a].long_rate if lots[j].long_term else accounts[a].short_rate
        dearest = max(dearest, rate)
        value = securities[s].price * lots[j].quantity
        gain = 1 - items.securities[i].sell_cost - lots[j].basis / value
        stated[k] = rate * gain
        taxes[k] = stated[k] if harvest else max(stated[k], 0.0)
        losses[k] = taxed and (gain < fee_share or gain * value < LOSS_MARGIN)
        kinds[k] = LOSSES if taxes[k] < 0 else GAINS
        if lots[j].kept:
            kinds[k] = KEPT
            held_back += lots[j].quantity
            continue
        if harvest and taxes[k] < 0 and lots[j].washable > 0:
            kinds[k] = WASHED
            washed = max(washed, min(lots[j].washable, lots[j].quantity))
    room.aims[i].washed, room.aims[i].kept = washed, held_back
    at = items.securities[i].lots_begin
    for k in _order(kinds, taxes, stated):
        if kinds[k] == KEPT:
            break
        shares = lots[begin + k].quantity
        free = min(washed, shares) if kinds[k] == WASHED else 0.0
        if free > 0:
            washed -= free
            room.lot[at], items.lots[at].loss = begin + k, losses[k]
            items.lots[at].shares, items.lots[at].tax = free, 0.0
            at += 1
        if free < shares:
            room.lot[at], items.lots[at].loss = begin + k, losses[k]
            items.lots[at].shares, items.lots[at].tax = shares - free, taxes[k]
            at += 1
    items.securities[i].lots_end = at
    return dearest


@compiled
def _order(kinds: Ints, taxes: Floats, stated: Floats) -> Ints:
    """Return the places of the lots in selling order; equal ones stay as they are."""
    order = places_sorted(stated)
    order = order[places_sorted(taxes[order])]
    return order[places_sorted(kinds[order].astype(np.float64))]
