"""Solve many accounts: columns in, one answer per account and the shares sold of each security out.

Accounts are independent, so ranges of them run in threads; the answer does not depend on how they
are divided.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Bools, Floats, Ints
from recommendations.engine.arrays.branching import FLOOR_UNREACHABLE, solve_account
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.arrays.compiling import entry
from recommendations.engine.arrays.items import room_of, write_aims, write_items

# Accounts in one call of a thread: enough that the call itself costs nothing.
_SHARE = 512


class Answers(NamedTuple):
    """status: `branching` names it; shares: sold of each security, negative if bought.

    cash, objective, lower_bound: dollars; no_losses: securities whose loss lots are not sold.
    """

    status: Ints
    cash: Floats
    objective: Floats
    lower_bound: Floats
    cash_price: Floats
    nodes: Ints
    value: Floats
    shares: Floats
    no_losses: Bools


def empty_answers(*, accounts: int, securities: int) -> Answers:
    """Return answers to be filled: nothing is traded."""
    return Answers(
        status=np.zeros(accounts, np.int64),
        cash=np.zeros(accounts),
        objective=np.zeros(accounts),
        lower_bound=np.zeros(accounts),
        cash_price=np.zeros(accounts),
        nodes=np.zeros(accounts, np.int64),
        value=np.zeros(accounts),
        shares=np.zeros(securities),
        no_losses=np.zeros(securities, np.bool_),
    )


def solved(*, columns: Columns, threads: int = 1, node_limit: int = 64) -> Answers:
    """Return the cheapest trades found for each account, with their lower bounds.

    An account that cannot reach its cash floor with sales inside its bands may sell below them.
    """
    count = len(columns.accounts)
    answers = empty_answers(accounts=count, securities=len(columns.securities))
    if threads == 1:
        _solve_range(columns, 0, count, answers, node_limit)
        return answers
    with ThreadPoolExecutor(threads) as pool:
        ranges = range(0, count, _SHARE)
        calls = [
            pool.submit(_solve_range, columns, k, min(k + _SHARE, count), answers, node_limit)
            for k in ranges
        ]
        for call in calls:
            call.result()
    return answers


@entry
def _solve_range(columns: Columns, begin: int, end: int, answers: Answers, node_limit: int) -> None:
    accounts, securities, _ = columns
    for a in range(begin, end):
        first, last = accounts[a].securities_begin, accounts[a].securities_end
        lots = 0
        for s in range(first, last):
            lots += securities[s].lots_end - securities[s].lots_begin
        room = room_of(last - first, lots)
        budget = write_aims(columns, a, room)
        answers.value[a] = budget.value
        shares, no_losses = answers.shares[first:last], answers.no_losses[first:last]
        write_items(columns, a, room, budget, False)
        found = solve_account(room.items, 0, last - first, budget, shares, no_losses, node_limit)
        if found.status == FLOOR_UNREACHABLE:
            write_items(columns, a, room, budget, True)
            found = solve_account(
                room.items, 0, last - first, budget, shares, no_losses, node_limit
            )
        answers.status[a] = found.status
        answers.cash[a], answers.objective[a] = found.cash, found.objective
        answers.lower_bound[a], answers.cash_price[a] = found.lower_bound, found.cash_price
        answers.nodes[a] = found.nodes
