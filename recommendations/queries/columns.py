"""The columns of many accounts, read in a constant number of queries.

Prices, rates and the terms of trading are those of a `Market`, which all accounts share. What only
one household knows (its own assets, prices and estimates, its own symbol changes and recent splits)
cannot be shared: such accounts are marked `alone`, and their inputs are those of
`rebalance_inputs`. So are those of accounts with rules of their own (`RebalancePolicy`).

Beside the engine's floats stand the exact figures they come from, in integers: money in steps of
10^-4, quantities in steps of 10^-10, percentages in steps of 10^-4, rates in steps of 10^-5, dates
and instants as PostgreSQL counts them (`stores/arrays.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from core.limits import MONEY_DECIMALS, QUANTITY_DECIMALS
from recommendations.engine.arrays.array_types import Bools, Ints, Records
from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.options import Options
from recommendations.engine.problem import DRIFT_PENALTY
from recommendations.queries.market import Market
from stores.arrays import EPOCH, records_of
from stores.rows import rows_of
from stores.sent_arrays import sent_ints
from transactions.ledger.account_kinds import TAXED_SQL
from transactions.ledger.holding_period import is_long_term
from transactions.ledger.wash_windows import window_start
from transactions.queries import wash_windows

MONEY_STEPS, QUANTITY_STEPS = 10**MONEY_DECIMALS, 10**QUANTITY_DECIMALS
PERCENT_STEPS, RATE_STEPS = 10**4, 10**5
# Larger holdings do not fit 64 bits in these steps; such accounts are read alone.
_QUANTITY_MAX = 900_000_000
NO_DAY = date(9999, 12, 31)

# Only accounts with targets and in use. Currencies are numbered as in the argument.
_ACCOUNTS = """
SELECT account.id, account.household_id,
       array_position(%(currencies)s::text[], account.currency::text) AS currency,
       (account.cash * 10000)::int8, account.type IN (@taxed@),
       ((owner.federal_ordinary_rate + owner.state_rate + owner.net_investment_income_rate)
        * 100000)::int4,
       ((owner.federal_long_term_rate + owner.state_rate + owner.net_investment_income_rate)
        * 100000)::int4
  FROM transactions_account account JOIN identity_user owner ON owner.id = account.owner_id
 WHERE {range} AND account.archived_at IS NULL
   AND EXISTS (SELECT FROM portfolios_target WHERE account_id = account.id)
 ORDER BY account.id
""".replace("@taxed@", TAXED_SQL)
_ACCOUNT_FIELDS = {
    "id": "int8", "household_id": "int8", "currency": "int4", "cash": "int8", "taxable": "bool",
    "short_rate": "int4", "long_rate": "int4",
}  # fmt: skip
_TARGETS = """
SELECT account_id, COALESCE(asset_id, 0), (target_percentage * 10000)::int4,
       (rebalance_threshold * 10000)::int4
  FROM portfolios_target WHERE {range}
"""
_TARGET_FIELDS = {
    "account_id": "int8", "asset_id": "int8", "percentage": "int4", "threshold": "int4",
}  # fmt: skip
_LOTS = f"""
SELECT account_id, asset_id, transaction_id, piece::int4,
       CASE WHEN quantity < {_QUANTITY_MAX} THEN (quantity * {QUANTITY_STEPS})::int8 ELSE -1 END,
       (cost_basis * {MONEY_STEPS})::int8,
       opened_at, opened_date, holding_period_date, purchase, replaces_loss
  FROM transactions_lot
 WHERE {{range}} AND quantity > 0
"""
_LOT_FIELDS = {
    "account_id": "int8", "asset_id": "int8", "transaction_id": "int8", "piece": "int4",
    "quantity": "int8", "basis": "int8", "opened_at": "timestamptz", "opened_date": "date",
    "held_since": "date", "purchase": "bool", "replaces_loss": "bool",
}  # fmt: skip
_RESTRICTIONS = """
SELECT account_id, asset_id, kind IN ('no_buy', 'no_trade'), kind IN ('no_sell', 'no_trade'),
       COALESCE(until_date, %(no_day)s)
  FROM portfolios_restriction
 WHERE {range}
   AND (until_date IS NULL OR until_date >= %(as_of)s)
"""
_RESTRICTION_FIELDS = {
    "account_id": "int8", "asset_id": "int8", "no_buy": "bool", "no_sell": "bool", "until": "date",
}  # fmt: skip
# Households that know a price, a group or a ratio of their own.
_ALONE = """
SELECT household_id FROM marketdata_ownprice WHERE household_id = ANY(%(households)s::bigint[])
UNION
SELECT account.household_id
  FROM transactions_transaction event JOIN transactions_account account
    ON account.id = event.account_id
 WHERE account.household_id = ANY(%(households)s::bigint[])
   -- The few rows of an index; without this line, all transactions are read.
   AND (event.new_asset_id IS NOT NULL OR event.ratio_new IS NOT NULL)
   AND (event.type = 'symbol_change'
        OR (event.ratio_new IS NOT NULL AND event.trade_date >= %(prices_since)s))
"""
# Accounts with rules of their own, which the columns do not have.
_WITH_RULES = "SELECT account_id FROM portfolios_rebalancepolicy WHERE {range}"
# Households in which a loss of the last days may wait for a replacement.
_LOSSES = """
SELECT DISTINCT account.household_id
  FROM transactions_disposal disposal JOIN transactions_account account
    ON account.id = disposal.account_id
 WHERE account.household_id = ANY(%(households)s::bigint[])
   AND disposal.closed_date >= %(since)s AND disposal.proceeds < disposal.cost_basis
   AND disposal.matched_quantity < disposal.quantity
"""


# A security's own figures; percentage -1: it has no target.
TERMS = np.dtype(
    [
        *((name, np.int64) for name in ("asset_id", "percentage", "threshold", "until")),
        *((name, np.bool_) for name in ("no_buy", "no_sell")),
    ]
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns, and the exact figures behind them, row for row.

    accounts: fields of `_ACCOUNTS` and the cash target; securities: TERMS; lots: fields of `_LOTS`;
    places: those of the securities' assets in the market; alone: accounts to be read by themselves.
    """

    columns: Columns
    accounts: Records
    securities: Records
    lots: Records
    places: Ints
    alone: Bools

    @property
    def account_ids(self) -> Ints:
        ids: Ints = self.accounts["id"]
        return ids

    @property
    def asset_ids(self) -> Ints:
        ids: Ints = self.securities["asset_id"]
        return ids


def columns_of(
    *,
    first: int,
    last: int,
    options: Options,
    market: Market,
    currencies: list[str],
    only: Ints | None = None,
) -> Batch:
    """Return the columns of the accounts with ids from `first` to `last` that have targets.

    `only`: of these ids, all of them in that range. `currencies`: those of the accounts. Losses of
    lots are never washed here: a harvest needs the purchases of the household, too. Call it in a
    repeatable-read transaction.
    """
    as_of = market.as_of.date()
    values: dict[str, Any] = {
        "first": first,
        "last": last,
        "as_of": as_of,
        "no_day": NO_DAY,
        "currencies": currencies,
    }
    within = "BETWEEN %(first)s AND %(last)s"
    if only is not None:
        within, values["ids"] = "= ANY(%(ids)s)", sent_ints(only)

    def rows(query: str, fields: Mapping[str, str], key: str = "account_id") -> Records:
        return records_of(query=query.format(range=f"{key} {within}"), values=values, fields=fields)

    accounts = rows(_ACCOUNTS, _ACCOUNT_FIELDS, "account.id")
    targets = _of(accounts, rows(_TARGETS, _TARGET_FIELDS))
    lots = _of(accounts, rows(_LOTS, _LOT_FIELDS))
    restrictions = rows(_RESTRICTIONS, _RESTRICTION_FIELDS)
    by_id = _ById(market, accounts)
    alone = _alone(accounts, market)
    ruled = rows(_WITH_RULES, {"account_id": "int8"})
    alone |= np.isin(accounts["id"], ruled["account_id"])
    for read in (targets[targets["asset_id"] > 0], lots):
        alone[by_id.owners(read[~by_id.known(read)])] = True
    alone[by_id.owners(lots[lots["quantity"] < 0])] = True
    named = targets[targets["asset_id"] > 0]
    named, lots = named[by_id.known(named)], lots[by_id.known(lots)]
    keys = np.unique(np.concatenate([by_id.keys(named), by_id.keys(lots)]))
    places = keys % max(len(market.ids), 1)
    terms = np.zeros(len(keys), TERMS)
    terms["asset_id"] = market.ids[places]
    _write_targets(terms, np.searchsorted(keys, by_id.keys(named)), named)
    _write_restrictions(terms, keys, by_id, _of(accounts, restrictions))
    securities = _securities(accounts, market, keys, terms, currencies)
    alone[np.unique(keys[securities["price"] == 0] // max(len(market.ids), 1))] = True
    _apply_wash_windows(accounts, market, keys, securities, as_of)
    order = np.lexsort((lots["piece"], lots["transaction_id"], by_id.keys(lots)))
    lots = lots[order]
    at = np.searchsorted(keys, by_id.keys(lots))
    securities["lots_begin"] = np.searchsorted(at, np.arange(len(keys)))
    securities["lots_end"] = np.searchsorted(at, np.arange(len(keys)), side="right")
    cash = targets[targets["asset_id"] == 0]
    exact = _with_cash_targets(accounts, cash)
    columns = Columns(
        _accounts(exact, market, keys, options), securities, _lots(lots, long_until(as_of))
    )
    return Batch(columns, exact, terms, lots, places, alone)


def long_until(as_of: date) -> date:
    """Return the last holding period date of which a sale on the day is long-term."""
    day = as_of - timedelta(days=364)
    while not is_long_term(opened_date=day, sold_date=as_of):
        day -= timedelta(days=1)
    return day


def _of(accounts: Records, rows: Records) -> Records:
    """Return the rows of these accounts."""
    return rows[np.isin(rows["account_id"], accounts["id"])]


class _ById:
    """Finds the place of a row's account in the batch, and of its asset in the market."""

    def __init__(self, market: Market, accounts: Records) -> None:
        self._order = np.argsort(market.ids)
        self._sorted = market.ids[self._order]
        self._accounts = accounts["id"]

    def known(self, rows: Records) -> Bools:
        """Return which rows are of an asset of the market."""
        return np.isin(rows["asset_id"], self._sorted)

    def owners(self, rows: Records) -> Ints:
        """Return the place of each row's account."""
        return np.searchsorted(self._accounts, rows["account_id"])

    def keys(self, rows: Records) -> Ints:
        """Return the place of each row's security: by account, then by symbol."""
        place = self._order[np.searchsorted(self._sorted, rows["asset_id"])]
        return self.owners(rows) * len(self._sorted) + place


def _alone(accounts: Records, market: Market) -> Bools:
    """Return which accounts belong to a household with prices, groups or ratios of its own."""
    values = {
        "households": np.unique(accounts["household_id"]).tolist(),
        "prices_since": market.priced_since,
    }
    rows = rows_of(_ALONE, values)
    found: Bools = np.isin(accounts["household_id"], [household for (household,) in rows])
    return found


def _write_targets(terms: Records, at: Ints, named: Records) -> None:
    terms["percentage"] = -1
    terms["percentage"][at] = named["percentage"]
    terms["threshold"][at] = named["threshold"]


def _write_restrictions(terms: Records, keys: Ints, by_id: _ById, rows: Records) -> None:
    rows = rows[by_id.known(rows)]
    if not len(keys) or not len(rows):
        return
    wanted = by_id.keys(rows)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    held = keys[at] == wanted
    for name in ("no_buy", "no_sell", "until"):
        terms[name][at[held]] = rows[name][held]


def _securities(
    accounts: Records, market: Market, keys: Ints, terms: Records, currencies: list[str]
) -> Records:
    """Return the engine's securities, without their lots."""
    place, owner = keys % max(len(market.ids), 1), keys // max(len(market.ids), 1)
    made = np.zeros(len(keys), SECURITY)
    currency_of = accounts["currency"][owner] - 1
    for number, currency in enumerate(currencies):
        chosen = currency_of == number
        facts = market.facts[currency][place[chosen]]
        for name in ("price", "half_spread", "sec_rate", "taf_per_share", "taf_cap", "fractional"):
            made[name][chosen] = facts[name]
        made["group"][chosen] = facts["group"]
        made["may_buy"][chosen] = made["may_sell"][chosen] = ~facts["stale"]
    made["may_buy"] &= ~terms["no_buy"]
    made["may_sell"] &= ~terms["no_sell"]
    made["weight"] = np.maximum(terms["percentage"], 0) / (100 * PERCENT_STEPS)
    made["threshold"] = terms["threshold"] / (100 * PERCENT_STEPS)
    return made


def _apply_wash_windows(
    accounts: Records, market: Market, keys: Ints, securities: Records, as_of: date
) -> None:
    """Block the purchases that would wash a loss of the household."""
    values = {
        "households": np.unique(accounts["household_id"]).tolist(),
        "since": window_start(as_of),
    }
    waiting = [household for (household,) in rows_of(_LOSSES, values)]
    if not waiting:
        return
    windows = wash_windows(household_ids=waiting, as_of=as_of)
    owner = keys // len(market.ids)
    for s in np.flatnonzero(np.isin(accounts["household_id"][owner], waiting)):
        window = windows[int(accounts["household_id"][owner[s]])]
        until = window.blocked_until(
            account=int(accounts["id"][owner[s]]), asset=int(market.ids[keys[s] % len(market.ids)])
        )
        if until is not None:
            securities["may_buy"][s] = False


def _with_cash_targets(accounts: Records, cash: Records) -> Records:
    """Return the accounts with the fields `cash_percentage` (-1: none) and `cash_threshold`."""
    fields = [(name, accounts.dtype[name]) for name in accounts.dtype.names or ()]
    made = np.zeros(
        len(accounts), [*fields, ("cash_percentage", np.int64), ("cash_threshold", np.int64)]
    )
    for name, _ in fields:
        made[name] = accounts[name]
    made["cash_percentage"] = -1
    at = np.searchsorted(accounts["id"], cash["account_id"])
    made["cash_percentage"][at] = cash["percentage"]
    made["cash_threshold"][at] = cash["threshold"]
    return made


def _accounts(exact: Records, market: Market, keys: Ints, options: Options) -> Records:
    made = np.zeros(len(exact), ACCOUNT)
    starts = np.arange(len(exact)) * len(market.ids)
    made["securities_begin"] = np.searchsorted(keys, starts)
    made["securities_end"] = np.searchsorted(keys, starts + len(market.ids))
    made["cash"] = exact["cash"] / MONEY_STEPS
    for name in ("short_rate", "long_rate"):
        made[name] = np.where(exact["taxable"], exact[name] / RATE_STEPS, 0)
    made["cash_weight"] = np.maximum(exact["cash_percentage"], 0) / (100 * PERCENT_STEPS)
    made["cash_threshold"] = exact["cash_threshold"] / (100 * PERCENT_STEPS)
    made["cash_floor"] = float(options.cash_floor)
    made["drift_penalty"] = float(DRIFT_PENALTY)
    made["brokerage_fee"] = float(options.brokerage_fee)
    made["minimum_trade"] = float(options.minimum_trade)
    made["harvest"] = options.loss_harvesting
    made["whole"] = options.whole_shares
    return made


def _lots(lots: Records, long_until_day: date) -> Records:
    made = np.zeros(len(lots), LOT)
    made["quantity"] = lots["quantity"] / QUANTITY_STEPS
    made["basis"] = lots["basis"] / MONEY_STEPS
    made["long_term"] = lots["held_since"] <= (long_until_day - EPOCH).days
    return made
