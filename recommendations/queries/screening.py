"""The drift screen: which accounts of a range are outside of their bands, in one statement.

The rule is that of the engine (`engine/arrays/items.py`), in floats:

    value      cash + sum of quantity * price
    cash aim   the larger of cash weight * value and the floor
    target     weight / sum of weights * (value - cash aim), not below 0
    outside    |holding - target| > threshold * value, or cash so; equal up to 1e-12 of the value

Quantities are those of holdings, which are the sums of the open lots. A holding without a target
has a target and a threshold of 0. Accounts that prices alone do not decide are returned, too: a
security without a price, a split in the household since the oldest price was made, or rules of the
account's own, such as cash to keep.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from recommendations.engine.arrays.array_types import Floats, Ints
from recommendations.engine.program import SAME
from stores.arrays import records_of
from stores.sent_arrays import SentFloats, sent_floats


@dataclass(frozen=True)
class Prices:
    """One moment's prices, the same for every range: make it once, and screen all ranges with it.

    values: what one unit of each asset is worth in each of the accounts' currencies, in the order
    of `asset_ids`; 0 where a price or a rate is missing. since: the day of the oldest price.
    """

    asset_ids: Ints
    values: Mapping[str, Floats]
    since: date

    @cached_property
    def sent(self) -> Mapping[str, SentFloats | str]:
        """The parameters of the statement, packed once; assets in ascending order."""
        order = np.argsort(self.asset_ids)
        found: dict[str, SentFloats | str] = {
            "assets": sent_floats(self.asset_ids[order].astype(np.float64))
        }
        for n, (currency, values) in enumerate(self.values.items()):
            found |= {f"currency_{n}": currency, f"values_{n}": sent_floats(values[order])}
        return found


# Holdings and targets meet in the order of their keys. A cash target meets no holding: its asset is
# null. A price is found by halving the sorted assets: no table of prices is built for each range.
_OUTSIDE = """
WITH account AS MATERIALIZED (
    SELECT id, household_id, cash::float8 AS cash, currency
      FROM transactions_account
     WHERE id BETWEEN %(first)s AND %(last)s AND archived_at IS NULL
), placed AS (
    SELECT account_id, asset_id, holding.quantity, target.account_id IS NOT NULL AS wanted,
           target_percentage, rebalance_threshold,
           width_bucket(asset_id::float8, %(assets)s) AS place
      FROM (SELECT account_id, asset_id, quantity FROM transactions_holding
             WHERE account_id BETWEEN %(first)s AND %(last)s) holding
      FULL JOIN (SELECT account_id, asset_id, target_percentage, rebalance_threshold
                   FROM portfolios_target
                  WHERE account_id BETWEEN %(first)s AND %(last)s) target
           USING (account_id, asset_id)
), part AS MATERIALIZED (
    SELECT account.id, asset_id IS NULL AS of_cash, wanted,
           -- PostgreSQL makes a float of a numeric by way of its text; an integer costs less.
           COALESCE((target_percentage * 10000)::int4 / 1e6::float8, 0) AS weight,
           COALESCE((rebalance_threshold * 10000)::int4 / 1e6::float8, 0) AS threshold,
           COALESCE(quantity::float8, 0) * NULLIF(
               CASE WHEN (%(assets)s)[place] = asset_id::float8 THEN {price} END, 0) AS value
      FROM placed JOIN account ON account.id = account_id
), summed AS (
    SELECT id, COALESCE(sum(value), 0) AS held,
           COALESCE(sum(weight) FILTER (WHERE NOT of_cash), 0) AS whole,
           COALESCE(max(weight) FILTER (WHERE of_cash), 0) AS cash_weight,
           COALESCE(max(threshold) FILTER (WHERE of_cash), 0) AS cash_threshold,
           bool_or(value IS NULL AND NOT of_cash) AS unpriced
      FROM part GROUP BY id HAVING bool_or(wanted)
), aimed AS (
    SELECT account.*, whole, cash_threshold, unpriced, cash + held AS value,
           GREATEST(cash_weight * (cash + held), %(floor)s) AS cash_aim
      FROM summed JOIN account USING (id)
), shared AS MATERIALIZED (
    SELECT *, CASE WHEN whole > 0 THEN GREATEST(value - cash_aim, 0) / whole ELSE 0 END AS share
      FROM aimed
)
SELECT id FROM shared
 WHERE unpriced OR abs(cash - cash_aim) > cash_threshold * value + %(same)s * value
UNION
SELECT id FROM part JOIN shared USING (id)
 WHERE NOT of_cash
   AND abs(part.value - weight * share) > threshold * shared.value + %(same)s * shared.value
UNION
SELECT shared.id FROM shared JOIN portfolios_rebalancepolicy rules ON rules.account_id = shared.id
 WHERE rules.account_id BETWEEN %(first)s AND %(last)s
UNION
SELECT shared.id
  FROM shared
  JOIN transactions_account member ON member.household_id = shared.household_id
  JOIN transactions_transaction split ON split.account_id = member.id
 WHERE split.ratio_new IS NOT NULL AND split.trade_date >= %(since)s
 ORDER BY id
"""


def accounts_outside_bands(*, first: int, last: int, prices: Prices, cash_floor: float) -> Ints:
    """Return the ids, ascending, of accounts from `first` to `last` that may have to be traded.

    Only accounts in use with targets are screened. `cash_floor`: as in the options of a rebalance.
    """
    found = records_of(
        query=_statement(tuple(prices.values)),
        values={
            "first": first,
            "last": last,
            "since": prices.since,
            "floor": cash_floor,
            "same": SAME,
            **prices.sent,
        },
        fields={"id": "int8"},
    )
    ids: Ints = found["id"]
    return ids


def _statement(currencies: tuple[str, ...]) -> str:
    """Return the statement with one array of prices for each currency."""
    choices = " ".join(
        f"WHEN %(currency_{n})s THEN (%(values_{n})s)[place]" for n in range(len(currencies))
    )
    return _OUTSIDE.format(price=f"CASE account.currency {choices} END")
