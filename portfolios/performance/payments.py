"""The parts of each transaction's effect on cash, as columns. Pure; exact integers.

    cash = flow + trade + income - fee - tax     in 10^-28 of the account's currency: amounts of
                                                 money times the rate they were booked at

    flow      paid in or out            fee    and costs that belong to no trade
    trade     the price of units sold (> 0) or bought (< 0), before the fee
    income    dividends, interest, and dividends that bought units at once
    tax       withheld

An equal sum of one currency that leaves one account and enters another on the same day is no flow,
although the ledger does not link the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.facts import RATE_DECIMALS, Facts
from portfolios.prices.rule import Ints, Whole
from transactions.ledger.kinds import KINDS

# From money to parts of a payment.
_OF_CASH: int = 10**RATE_DECIMALS

_KINDS = tuple(KINDS.values())
_REINVESTS = np.array([kind.reinvests for kind in _KINDS])
_PURCHASE = np.array([kind.purchase for kind in _KINDS])


def _of(*names: str) -> NDArray[np.bool_]:
    """Return which kinds have one of these places in performance."""
    return np.array([kind.performance in names for kind in _KINDS])


_FLOW, _INCOME, _COST, _TAX, _TRADE = (
    _of(name) for name in ("flow", "income", "cost", "tax", "trade")
)


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments as columns of equal length, in the ledger's order; parts are Python integers.

    Cash itself is asset 0. `traded` is `trade` in the currency of the trade, in 10^-4, and 0 of
    other payments, whose `traded_currency` is below 0. Currencies are places in `names`.
    """

    days: Ints
    accounts: Ints
    assets: Ints
    currencies: Ints
    flow: Whole
    trade: Whole
    income: Whole
    fee: Whole
    tax: Whole
    traded: Whole
    traded_currencies: Ints
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.days)

    def picked(self, rows: NDArray[Any]) -> "Payments":
        """Return these rows, by place or by mask, in their order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    @property
    def currency_names(self) -> set[str]:
        """The currencies of the accounts and of the trades."""
        used = {*np.unique(self.currencies).tolist(), *np.unique(self.traded_currencies).tolist()}
        return {self.names[number] for number in used if number >= 0}

    def paid_income(self) -> set[int]:
        """Return the assets that paid income; 0 is cash."""
        return set(np.unique(self.assets[self.income != 0]).tolist())


_COLUMNS = tuple(field.name for field in fields(Payments) if field.name != "names")


def payments(facts: Facts, currencies: Mapping[int, str]) -> Payments:
    """Return the payments of facts in the ledger's order; `currencies` by account."""
    names = tuple(dict.fromkeys([*facts.names, *currencies.values()]))
    kinds = facts.kinds
    cash = facts.cash_effects.astype(object) * _OF_CASH
    fee = _at_rate(facts.fees, facts.fx_rates)
    income = np.where(_INCOME[kinds], cash + fee, 0)
    reinvested = np.flatnonzero(_REINVESTS[kinds])
    income[reinvested] = facts.amounts[reinvested].astype(object) * facts.fx_rates[
        reinvested
    ].astype(object)
    fees = np.where(_COST[kinds], -cash, fee)
    trades = _TRADE[kinds]
    trade = np.where(trades, cash + fee - income, 0)
    found = Payments(
        days=facts.days,
        accounts=facts.accounts,
        assets=_paid_assets(facts),
        currencies=_account_currencies(facts, currencies, names),
        flow=np.where(_FLOW[kinds], cash + fee, 0),
        trade=trade,
        income=income,
        fee=fees,
        tax=np.where(_TAX[kinds], -cash - fee, 0),
        traded=np.where(trades, np.where(_PURCHASE[kinds], -facts.amounts, facts.amounts), 0),
        traded_currencies=np.where(trades, facts.currencies, -1),
        names=names,
    )
    # Without cash, income, trade and fee no part is left.
    some = (facts.cash_effects != 0) | (income != 0) | (trade != 0) | (fees != 0)
    found = found.picked(some)
    return found if len(currencies) == 1 else replace(found, flow=_without_own_moves(found))


def _at_rate(money: Whole, rates: Whole) -> Whole:
    """Return money in 10^-28 of the account's currency; most rows have none."""
    found = np.zeros(len(money), dtype=object)
    some = np.flatnonzero(money)
    found[some] = money[some].astype(object) * rates[some].astype(object)
    return found


def _account_currencies(
    facts: Facts, currencies: Mapping[int, str], names: tuple[str, ...]
) -> Ints:
    accounts, places = np.unique(facts.accounts, return_inverse=True)
    numbers = [names.index(currencies[account]) for account in accounts.tolist()]
    return np.array(numbers, dtype=np.int64)[places]


def _paid_assets(facts: Facts) -> Ints:
    """Return the asset of each payment.

    Of an event it is the new asset for cash in lieu and for what a right bought; boot is paid for
    the old shares.
    """
    if not facts.events:
        return facts.assets
    found = facts.assets.copy()
    of_new = _TRADE[facts.kinds] & (_PURCHASE[facts.kinds] | (facts.prices < 0))
    for row in np.flatnonzero(of_new & np.isin(facts.ids, list(facts.events))).tolist():
        found[row] = facts.events[int(facts.ids[row])].new_asset or found[row]
    return found


def _without_own_moves(found: Payments) -> Whole:
    """Return the flows without sums moved between the accounts on one day."""
    waiting: dict[tuple[int, int, int], list[int]] = {}
    flow = found.flow.copy()
    for row in np.flatnonzero(found.flow).tolist():
        day, currency = int(found.days[row]), int(found.currencies[row])
        opposite = waiting.get((day, currency, -found.flow[row]), [])
        account = found.accounts[row]
        partner = next((one for one in opposite if found.accounts[one] != account), None)
        if partner is None:
            waiting.setdefault((day, currency, found.flow[row]), []).append(row)
            continue
        opposite.remove(partner)
        flow[[row, partner]] = 0
    return flow
