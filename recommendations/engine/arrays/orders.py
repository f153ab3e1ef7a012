"""Whole orders from the solver's shares: the rules of `trades.py`, for many accounts at once.

Sales are rounded up and purchases down to steps of 10^-6 shares or whole shares; a remainder too
small for an order is sold, too. Then the money of each order is rounded as its broker states it,
and the cash after all orders is added up in whole minor units.

Products are floats. Where one lies too close to a tie to say how it is rounded, or the cash ends
below its floor, or loss lots are kept out of a sale, the account is marked `doubtful`: its orders
must be made by `trades.py` in exact arithmetic.
"""

from typing import NamedTuple

import numpy as np

from recommendations.engine.arrays.array_types import Bools, Floats, Ints
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.arrays.solving import Answers

# Steps of a quantity (10^-10) in one share, and in the smallest part of a share that trades.
SHARE, PART = 10**10, 10**4
MONEY = 10**4
# A float this close to a step counts as that step, as in `trades.py`.
_STEP_NOISE = 0.001
# The error of a product of a few floats: absolute in minor units, and relative.
_TIE, _TIE_SHARE = 1e-7, 8e-15


class Terms(NamedTuple):
    """How each security is traded, and the exact figures of the accounts.

    quote: price in its own currency; rate: the account's units for one of that; unit: a minor unit
    of the security's currency; held: steps of 10^-10; account_unit: a minor unit of the account's
    currency; cash, floor: steps of 10^-4.
    """

    quote: Floats
    rate: Floats
    unit: Floats
    held: Ints
    account_unit: Floats
    cash: Ints
    floor: int


class Orders(NamedTuple):
    """sold: steps of 10^-10 of each security, negative if bought; doubtful: by account."""

    sold: Ints
    doubtful: Bools


def owners_of(columns: Columns) -> Ints:
    """Return the place of each security's account."""
    accounts = columns.accounts
    return np.repeat(
        np.arange(len(accounts)), accounts["securities_end"] - accounts["securities_begin"]
    )


def whole_orders(*, columns: Columns, answers: Answers, terms: Terms) -> Orders:
    """Return the rounded orders of all accounts, and which accounts' orders are in doubt."""
    owner = owners_of(columns)
    securities = columns.securities
    whole = columns.accounts["whole"][owner] | ~securities["fractional"]
    step = np.where(whole, SHARE, PART)
    sold = _rounded(answers.shares, step)
    most = np.where(whole, terms.held // SHARE * SHARE, terms.held)
    sold = np.where((sold > 0) & (sold > most - step), most, sold)
    effect, tie = _cash_effects(columns, owner, sold, terms)
    traded = sold != 0
    doubtful = np.zeros(len(columns.accounts), np.bool_)
    doubtful[owner[traded & (tie | (answers.no_losses & (sold > 0)))]] = True
    cash = terms.cash + _sums(owner, np.where(traded, effect, 0), len(doubtful))
    doubtful[owner[traded]] |= (cash < terms.floor)[owner[traded]]
    return Orders(sold, doubtful)


def _sums(owner: Ints, values: Ints, count: int) -> Ints:
    """Return the sums of whole numbers by owner, exactly."""
    totals = np.zeros(count, np.int64)
    np.add.at(totals, owner, values)
    return totals


def _rounded(shares: Floats, step: Ints) -> Ints:
    """Return shares in whole steps, as steps of 10^-10: sales up, purchases down."""
    parts = shares * (SHARE / step)
    return np.ceil(parts - _STEP_NOISE).astype(np.int64) * step


def _cash_effects(columns: Columns, owner: Ints, sold: Ints, terms: Terms) -> tuple[Ints, Bools]:
    """Return what each order adds to the cash (steps of 10^-4), and where a tie is too close."""
    rows, accounts = columns.securities, columns.accounts
    quantity = np.abs(sold) / SHARE
    value = quantity * rows["price"]
    tie = np.zeros(len(sold), np.bool_)
    selling = sold > 0
    costs = [
        value * rows["half_spread"],
        np.where(selling, value * rows["sec_rate"], 0),
        np.where(selling, np.minimum(rows["taf_cap"], quantity * rows["taf_per_share"]), 0),
        accounts["brokerage_fee"][owner],
    ]
    rate = np.where(terms.rate > 0, terms.rate, 1.0)
    unit = np.where(terms.unit > 0, terms.unit, 1.0)
    amount = _minor(quantity * terms.quote / unit, tie)
    fee = sum((_minor(cost / rate / unit, tie) for cost in costs), np.zeros(len(sold)))
    net = np.where(selling, amount - fee, -(amount + fee))
    account_unit = terms.account_unit[owner]
    same = (rate == 1) & (unit == account_unit)
    abroad = np.zeros(len(sold), np.bool_)
    converted = _minor(np.abs(net) * unit * rate / account_unit, abroad) * np.sign(net)
    tie |= abroad & ~same
    effect = np.where(same, net, converted)
    return (effect * np.rint(account_unit * MONEY)).astype(np.int64), tie


def _minor(exact: Floats, tie: Bools) -> Floats:
    """Return money in whole minor units, halves away from zero; mark what is too close to call."""
    moved = exact + 0.5
    tie |= np.abs(moved - np.rint(moved)) < _TIE + _TIE_SHARE * np.abs(moved)
    rounded: Floats = np.floor(moved)
    return rounded
