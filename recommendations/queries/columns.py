"""The columns of many accounts, read in a constant number of queries.

An asset's price, spread and fees are the same for all accounts of a currency, so they are read once
and spread over the securities. What only one household knows (its own prices, estimates, its own
symbol changes and recent splits) cannot be: such accounts are marked `alone`, and their inputs are
those of `rebalance_inputs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from marketdata.identity_groups import connected
from marketdata.models import Asset
from marketdata.queries import identity_links, quotes
from portfolios.holdings.valuation import unit_value
from portfolios.prices.rule import NOTHING_PRIVATE, price_now
from portfolios.queries.valuations import rates_into
from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.arrays.curves import Bools, Ints, Records
from recommendations.engine.fees import fee_market, sale_fees
from recommendations.engine.options import Options
from recommendations.engine.problem import DRIFT_PENALTY
from recommendations.engine.program import BASIS_POINTS
from stores.arrays import records_of
from stores.rows import rows_of
from transactions.ledger.holding_period import is_long_term
from transactions.ledger.wash_windows import window_start
from transactions.queries import wash_windows

# Only accounts with targets and in use. Currencies are numbered as in the argument.
_ACCOUNTS = """
SELECT account.id, account.household_id,
       array_position(%(currencies)s::text[], account.currency::text) AS currency,
       account.cash::float8,
       CASE account.type WHEN 'taxable' THEN (owner.federal_ordinary_rate + owner.state_rate
            + owner.net_investment_income_rate)::float8 ELSE 0 END,
       CASE account.type WHEN 'taxable' THEN (owner.federal_long_term_rate + owner.state_rate
            + owner.net_investment_income_rate)::float8 ELSE 0 END
  FROM transactions_account account JOIN identity_user owner ON owner.id = account.owner_id
 WHERE account.id BETWEEN %(first)s AND %(last)s AND account.archived_at IS NULL
   AND EXISTS (SELECT FROM portfolios_target WHERE account_id = account.id)
 ORDER BY account.id
"""
_ACCOUNT_FIELDS = {
    "id": "int8", "household_id": "int8", "currency": "int4", "cash": "float8",
    "short_rate": "float8", "long_rate": "float8",
}  # fmt: skip
_TARGETS = """
SELECT account_id, COALESCE(asset_id, 0), target_percentage::float8, rebalance_threshold::float8
  FROM portfolios_target WHERE account_id BETWEEN %(first)s AND %(last)s
"""
_TARGET_FIELDS = {
    "account_id": "int8", "asset_id": "int8", "percentage": "float8", "threshold": "float8",
}  # fmt: skip
_LOTS = """
SELECT account_id, asset_id, transaction_id, piece::int4, quantity::float8, cost_basis::float8,
       holding_period_date <= %(long_until)s
  FROM transactions_lot
 WHERE account_id BETWEEN %(first)s AND %(last)s AND quantity > 0
"""
_LOT_FIELDS = {
    "account_id": "int8", "asset_id": "int8", "transaction_id": "int8", "piece": "int4",
    "quantity": "float8", "basis": "float8", "long_term": "bool",
}  # fmt: skip
_RESTRICTIONS = """
SELECT account_id, asset_id, kind IN ('no_buy', 'no_trade'), kind IN ('no_sell', 'no_trade')
  FROM portfolios_restriction
 WHERE account_id BETWEEN %(first)s AND %(last)s
   AND (until_date IS NULL OR until_date >= %(as_of)s)
"""
_RESTRICTION_FIELDS = {
    "account_id": "int8", "asset_id": "int8", "no_buy": "bool", "no_sell": "bool",
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
# Households in which a loss of the last days may wait for a replacement.
_LOSSES = """
SELECT DISTINCT account.household_id
  FROM transactions_disposal disposal JOIN transactions_account account
    ON account.id = disposal.account_id
 WHERE account.household_id = ANY(%(households)s::bigint[])
   AND disposal.closed_date >= %(since)s AND disposal.proceeds < disposal.cost_basis
   AND disposal.matched_quantity < disposal.quantity
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns, and what their rows are: account and asset ids, and the accounts read `alone`."""

    columns: Columns
    account_ids: Ints
    asset_ids: Ints
    alone: Bools


@dataclass(frozen=True, slots=True)
class _Assets:
    """The assets of a batch in the order of their symbols, and the facts of each, by currency."""

    rows: Sequence[Asset]
    ids: Ints
    facts: dict[str, NDArray[np.void]]
    prices_since: date


def columns_of(
    *, first: int, last: int, options: Options, now: datetime, currencies: Sequence[str]
) -> Batch:
    """Return the columns of the accounts with ids from `first` to `last` that have targets.

    `currencies`: those of the accounts. Losses of lots are never washed here: a harvest needs the
    purchases of the household, too. Call it in a repeatable-read transaction.
    """
    as_of = now.date()
    values = {
        "first": first,
        "last": last,
        "as_of": as_of,
        "long_until": long_until(as_of),
        "currencies": list(currencies),
    }
    accounts = records_of(query=_ACCOUNTS, values=values, fields=_ACCOUNT_FIELDS)
    targets = _of(accounts, records_of(query=_TARGETS, values=values, fields=_TARGET_FIELDS))
    lots = _of(accounts, records_of(query=_LOTS, values=values, fields=_LOT_FIELDS))
    restrictions = records_of(query=_RESTRICTIONS, values=values, fields=_RESTRICTION_FIELDS)
    assets = _assets(np.concatenate([targets["asset_id"], lots["asset_id"]]), currencies, now)
    keys = np.unique(np.concatenate([
        _keys(accounts, assets, targets[targets["asset_id"] > 0]), _keys(accounts, assets, lots),
    ]))  # fmt: skip
    securities = _securities(accounts, assets, keys, currencies)
    _apply_targets(accounts, assets, keys, securities, targets)
    _apply_restrictions(accounts, assets, keys, securities, _of(accounts, restrictions))
    alone = _alone(accounts, assets, keys, securities)
    _apply_wash_windows(accounts, assets, keys, securities, as_of)
    columns = Columns(
        _accounts(accounts, assets, keys, targets, options),
        securities,
        _sorted_lots(accounts, assets, keys, securities, lots),
    )
    return Batch(columns, accounts["id"], assets.ids[keys % len(assets.ids)], alone)


def long_until(as_of: date) -> date:
    """Return the last holding period date of which a sale on the day is long-term."""
    day = as_of - timedelta(days=364)
    while not is_long_term(opened_date=day, sold_date=as_of):
        day -= timedelta(days=1)
    return day


def _of(accounts: Records, rows: Records) -> Records:
    """Return the rows of these accounts."""
    return rows[np.isin(rows["account_id"], accounts["id"])]


def _keys(accounts: Records, assets: _Assets, rows: Records) -> Ints:
    """Return the place of each row's security: by account, then by symbol."""
    order = np.argsort(assets.ids)
    place = order[np.searchsorted(assets.ids, rows["asset_id"], sorter=order)]
    return np.searchsorted(accounts["id"], rows["account_id"]) * len(assets.ids) + place


_FACTS = np.dtype(
    [
        *((name, np.float64) for name in ("price", "half_spread", "sec_rate")),
        *((name, np.float64) for name in ("taf_per_share", "taf_cap")),
        ("group", np.int64),
        *((name, np.bool_) for name in ("fractional", "stale")),
    ]
)


def _assets(ids: Ints, currencies: Sequence[str], now: datetime) -> _Assets:
    """Return the assets with their facts in each of the currencies."""
    wanted = [int(pk) for pk in np.unique(ids) if pk > 0]
    rows = sorted(Asset.objects.filter(pk__in=wanted), key=lambda row: (row.symbol, row.pk))
    known = quotes(assets=rows, now=now)
    groups = connected(links=identity_links(household_ids=[]))
    facts = {}
    for currency in currencies:
        rates = rates_into(currency, {row.currency for row in rows}, now=now)
        made = np.zeros(len(rows), _FACTS)
        for n, row in enumerate(rows):
            quote = price_now(feed=known.get(row.pk), private=NOTHING_PRIVATE, now=now)
            rate = rates.get(row.currency)
            value = unit_value(quote=quote, rate=rate).value
            market = fee_market(
                exchange=row.exchange, asset_class=row.asset_class, currency=row.currency
            )
            fees = sale_fees(market=market, as_of=now.date())
            if rate is not None:
                fees = fees.converted(rate.rate)
            made[n] = (
                value or 0,
                row.half_spread_bp / BASIS_POINTS,
                fees.sec_rate,
                fees.taf_per_share,
                fees.taf_cap,
                groups.get(row.pk, row.pk),
                row.fractional,
                bool(quote and quote.stale),
            )
        facts[currency] = made
    oldest = min((quote.as_of.date() for quote in known.values()), default=now.date())
    return _Assets(rows, np.array([row.pk for row in rows], np.int64), facts, oldest)


def _securities(
    accounts: Records, assets: _Assets, keys: Ints, currencies: Sequence[str]
) -> Records:
    """Return the securities with all that does not depend on the account."""
    place, owner = keys % len(assets.ids), keys // len(assets.ids)
    made = np.zeros(len(keys), SECURITY)
    currency_of = accounts["currency"][owner] - 1
    for number, currency in enumerate(currencies):
        chosen = currency_of == number
        facts = assets.facts[currency][place[chosen]]
        for name in ("price", "half_spread", "sec_rate", "taf_per_share", "taf_cap", "fractional"):
            made[name][chosen] = facts[name]
        made["group"][chosen] = facts["group"]
        made["may_buy"][chosen] = made["may_sell"][chosen] = ~facts["stale"]
    return made


def _apply_targets(
    accounts: Records, assets: _Assets, keys: Ints, securities: Records, targets: Records
) -> None:
    named = targets[targets["asset_id"] > 0]
    at = np.searchsorted(keys, _keys(accounts, assets, named))
    securities["weight"][at] = named["percentage"] / 100
    securities["threshold"][at] = named["threshold"] / 100


def _apply_restrictions(
    accounts: Records, assets: _Assets, keys: Ints, securities: Records, rows: Records
) -> None:
    rows = rows[np.isin(rows["asset_id"], assets.ids)]
    wanted = _keys(accounts, assets, rows)
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    held = keys[at] == wanted if len(keys) else np.zeros(len(rows), np.bool_)
    securities["may_buy"][at[held]] &= rows["no_buy"][held] == 0
    securities["may_sell"][at[held]] &= rows["no_sell"][held] == 0


def _alone(accounts: Records, assets: _Assets, keys: Ints, securities: Records) -> Bools:
    """Return which accounts have a security, or belong to a household, with facts of its own."""
    rows = rows_of(
        _ALONE,
        {
            "households": np.unique(accounts["household_id"]).tolist(),
            "prices_since": assets.prices_since,
        },
    )
    alone: Bools = np.isin(accounts["household_id"], [household for (household,) in rows])
    unknown = (securities["price"] == 0) | np.array(
        [row.household_id is not None for row in assets.rows], np.bool_
    )[keys % len(assets.ids)]
    alone[np.unique(keys[unknown] // len(assets.ids))] = True
    return alone


def _apply_wash_windows(
    accounts: Records, assets: _Assets, keys: Ints, securities: Records, as_of: date
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
    owner = keys // len(assets.ids)
    for s in np.flatnonzero(np.isin(accounts["household_id"][owner], waiting)):
        window = windows[int(accounts["household_id"][owner[s]])]
        until = window.blocked_until(
            account=int(accounts["id"][owner[s]]), asset=int(assets.ids[keys[s] % len(assets.ids)])
        )
        if until is not None:
            securities["may_buy"][s] = False


def _accounts(
    accounts: Records, assets: _Assets, keys: Ints, targets: Records, options: Options
) -> Records:
    made = np.zeros(len(accounts), ACCOUNT)
    starts = np.arange(len(accounts)) * len(assets.ids)
    made["securities_begin"] = np.searchsorted(keys, starts)
    made["securities_end"] = np.searchsorted(keys, starts + len(assets.ids))
    for name in ("cash", "short_rate", "long_rate"):
        made[name] = accounts[name]
    cash = targets[targets["asset_id"] == 0]
    at = np.searchsorted(accounts["id"], cash["account_id"])
    made["cash_weight"][at] = cash["percentage"] / 100
    made["cash_threshold"][at] = cash["threshold"] / 100
    made["cash_floor"] = float(options.cash_floor)
    made["drift_penalty"] = float(DRIFT_PENALTY)
    made["brokerage_fee"] = float(options.brokerage_fee)
    made["minimum_trade"] = float(options.minimum_trade)
    made["harvest"] = options.loss_harvesting
    made["whole"] = options.whole_shares
    return made


def _sorted_lots(
    accounts: Records, assets: _Assets, keys: Ints, securities: Records, lots: Records
) -> Records:
    """Return the lots by security, acquisition and piece; write where each security's begin."""
    at = np.searchsorted(keys, _keys(accounts, assets, lots))
    order = np.lexsort((lots["piece"], lots["transaction_id"], at))
    made = np.zeros(len(lots), LOT)
    for name in ("quantity", "basis", "long_term"):
        made[name] = lots[name][order]
    securities["lots_begin"] = np.searchsorted(at[order], np.arange(len(keys)))
    securities["lots_end"] = np.searchsorted(at[order], np.arange(len(keys)), side="right")
    return made
