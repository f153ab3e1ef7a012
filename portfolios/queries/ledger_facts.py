"""Transactions as packed columns: of accounts, or only of some assets in them."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.facts import KIND_NUMBERS, Event, Facts
from stores.columns import packed, whole_numbers, words
from stores.rows import rows_of
from transactions.ledger.kinds import named

# In microseconds, as instants are.
_DAY_LENGTH = 86_400_000_000

# Packed columns. What few facts have comes in rows of its own.
_FACTS = f"""
SELECT {packed("fact.id")}, {packed("fact.account_id")}, {packed("fact.type")},
       {packed("extract(epoch FROM fact.executed_at)")},
       {packed("fact.trade_date - DATE '1970-01-01'")},
       {packed("coalesce(fact.asset_id, 0)")}, {packed("fact.amount")},
       {packed("fact.cash_effect")}, {packed("fact.fee")}, {packed("coalesce(fact.quantity, 0)")},
       {packed("coalesce(fact.price, -1)")}, {packed("fact.fx_rate")}, {packed("fact.currency")},
       array_agg(ARRAY[fact.id, fact.new_asset_id, fact.ratio_new, fact.ratio_old,
                       fact.counterpart_id])
           FILTER (WHERE coalesce(fact.new_asset_id, fact.ratio_new, fact.counterpart_id)
                         IS NOT NULL)
  FROM transactions_transaction fact
  LEFT JOIN transactions_transaction undoing ON undoing.reverses_id = fact.id
 WHERE {{accounts}} AND fact.reverses_id IS NULL AND undoing.id IS NULL
"""

_OF_ACCOUNTS = _FACTS.format(accounts="fact.account_id = ANY(%(accounts)s)")

# An asset's units may depend on those of the asset it came from, and so on.
_OF_ASSETS = (
    """
WITH RECURSIVE owned AS MATERIALIZED (
     SELECT id FROM transactions_account WHERE household_id = ANY(%(households)s)),
related(id) AS (
     SELECT unnest(%(assets)s::bigint[])
     UNION
     SELECT fact.asset_id FROM transactions_transaction fact
       JOIN owned ON owned.id = fact.account_id
       JOIN related ON related.id = fact.new_asset_id
      WHERE fact.asset_id IS NOT NULL)
"""
    + _FACTS.format(accounts="fact.account_id IN (SELECT id FROM owned)")
    + """
   AND (fact.asset_id IN (SELECT id FROM related) OR fact.new_asset_id IN (SELECT id FROM related))
"""
)


_SPLITS = ", ".join(f"'{name}'" for name in sorted(named(rescales=True)))
_TRADES = ", ".join(f"'{name}'" for name in sorted(named(figures="trade")))
_KNOWN = f"""
SELECT asset_id FROM transactions_transaction
 WHERE account_id = ANY(%(accounts)s::bigint[]) AND asset_id = ANY(%(split)s::bigint[])
   AND type IN ({_SPLITS})
UNION
SELECT asset_id FROM transactions_transaction
 WHERE account_id = ANY(%(accounts)s::bigint[]) AND asset_id = ANY(%(traded)s::bigint[])
   AND type IN ({_TRADES})
"""


def known_elsewhere(
    *, account_ids: Sequence[int], split: Sequence[int], traded: Sequence[int]
) -> set[int]:
    """Return which of the assets `split` were split in accounts, and which of `traded` traded."""
    values = {"accounts": list(account_ids), "split": list(split), "traded": list(traded)}
    return {asset_id for (asset_id,) in rows_of(_KNOWN, values)}


def facts(*, account_ids: Sequence[int]) -> Facts:
    """Return the transactions of accounts, without reversed ones and their reversals."""
    return _facts(_OF_ACCOUNTS, {"accounts": list(account_ids)})


def facts_of_assets(*, household_ids: Sequence[int], asset_ids: Collection[int]) -> Facts:
    """Return the transactions of households about assets, and about those that they came from."""
    values = {"households": list(household_ids), "assets": sorted(asset_ids)}
    return _facts(_OF_ASSETS, values)


def _facts(statement: str, values: Mapping[str, Any]) -> Facts:
    ((ids, accounts, types, executed, traded, assets, *rest),) = rows_of(statement, values)
    *figures, currencies, few = rest
    amounts, cash_effects, fees, quantities, prices, fx_rates = map(whole_numbers, figures)
    in_words = words(currencies)
    names = {name: place for place, name in enumerate(dict.fromkeys(in_words))}
    return Facts(
        ids=whole_numbers(ids),
        accounts=whole_numbers(accounts),
        kinds=np.array([KIND_NUMBERS[name] for name in words(types)], dtype=np.int64),
        instants=_within(whole_numbers(traded) * _DAY_LENGTH, whole_numbers(executed)),
        assets=whole_numbers(assets),
        amounts=amounts,
        cash_effects=cash_effects,
        fees=fees,
        quantities=quantities,
        prices=prices,
        fx_rates=fx_rates,
        currencies=np.array([names[name] for name in in_words], dtype=np.int64),
        names=tuple(names),
        events={
            int(pk): Event(
                None if new_asset is None else int(new_asset),
                None if new is None else Fraction(new) / Fraction(old),
            )
            for pk, new_asset, new, old, _ in few or ()
            if new_asset is not None or new is not None
        },
        counterparts={int(pk): int(other) for pk, *_, other in few or () if other is not None},
    )


def _within(days: NDArray[Any], instants: NDArray[Any]) -> NDArray[Any]:
    """Return instants moved into the trade dates that begin at `days`.

    The day at the place of the trade may be another one than in UTC.
    """
    found: NDArray[Any] = np.clip(instants, days, days + _DAY_LENGTH - 1)
    return found
