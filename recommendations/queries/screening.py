"""The drift screen: which accounts of a range are outside of their bands, in one statement.

The rule is that of the engine (`engine/arrays/items.py`), in the same floats:

    value      cash + sum of quantity * price
    cash aim   the larger of cash weight * value and the floor
    target     weight / sum of weights * (value - cash aim), not below 0
    outside    |holding - target| > threshold * value, or cash so; equal up to 1e-12 of the value

Quantities are those of holdings, which are the sums of the open lots. A holding without a target
has a target and a threshold of 0. Accounts that prices alone do not decide are returned, too: a
security without a price, or a split in the household since the oldest price was made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from recommendations.engine.arrays.curves import Floats, Ints
from recommendations.engine.arrays.items import SAME
from stores.arrays import records_of
from stores.sent_arrays import SentFloats, SentInts, sent_floats, sent_ints


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
    def sent_ids(self) -> SentInts:
        return sent_ints(self.asset_ids)

    @cached_property
    def sent_values(self) -> Mapping[str, SentFloats]:
        return {currency: sent_floats(values) for currency, values in self.values.items()}


# Holdings and targets meet in the order of their keys. A cash target meets no holding: its asset is
# null.
_OUTSIDE = """
WITH account AS MATERIALIZED (
    SELECT id, household_id, cash::float8 AS cash, currency
      FROM transactions_account
     WHERE id BETWEEN %(first)s AND %(last)s AND archived_at IS NULL
), price AS (
    SELECT * FROM unnest(%(assets)s, {arrays}) AS price (asset_id, {names})
), part AS MATERIALIZED (
    SELECT account.id, asset_id, asset_id IS NULL AS of_cash,
           target.account_id IS NOT NULL AS wanted,
           COALESCE(target.target_percentage::float8 / 100, 0) AS weight,
           COALESCE(target.rebalance_threshold::float8 / 100, 0) AS threshold,
           COALESCE(holding.quantity::float8, 0) * NULLIF({price}, 0) AS value
      FROM (SELECT account_id, asset_id, quantity FROM transactions_holding
             WHERE account_id BETWEEN %(first)s AND %(last)s) holding
      FULL JOIN (SELECT account_id, asset_id, target_percentage, rebalance_threshold
                   FROM portfolios_target
                  WHERE account_id BETWEEN %(first)s AND %(last)s) target
           USING (account_id, asset_id)
      JOIN account ON account.id = account_id
      LEFT JOIN price USING (asset_id)
), summed AS (
    SELECT account.id, account.household_id, account.cash,
           account.cash + COALESCE(sum(part.value), 0) AS value,
           COALESCE(sum(weight) FILTER (WHERE NOT of_cash), 0) AS whole,
           COALESCE(max(weight) FILTER (WHERE of_cash), 0) AS cash_weight,
           COALESCE(max(threshold) FILTER (WHERE of_cash), 0) AS cash_threshold,
           bool_or(part.value IS NULL AND NOT of_cash) AS unpriced
      FROM part JOIN account USING (id)
     GROUP BY account.id, account.household_id, account.cash
    HAVING bool_or(wanted)
), aimed AS (
    SELECT *, GREATEST(cash_weight * value, %(floor)s) AS cash_aim FROM summed
), shared AS (
    SELECT *, CASE WHEN whole > 0 THEN GREATEST(value - cash_aim, 0) / whole ELSE 0 END AS share
      FROM aimed
)
SELECT id FROM shared
 WHERE unpriced
    OR abs(cash - cash_aim) > cash_threshold * value + %(same)s * value
    OR EXISTS (SELECT FROM part
                WHERE part.id = shared.id AND NOT of_cash
                  AND abs(part.value - weight * share) > threshold * shared.value
                                                         + %(same)s * shared.value)
    OR EXISTS (SELECT FROM transactions_account member
                 JOIN transactions_transaction split ON split.account_id = member.id
                WHERE member.household_id = shared.household_id
                  AND split.ratio_new IS NOT NULL AND split.trade_date >= %(since)s)
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
            "assets": prices.sent_ids,
            **{f"values_{n}": sent for n, sent in enumerate(prices.sent_values.values())},
            **{f"currency_{n}": currency for n, currency in enumerate(prices.values)},
        },
        fields={"id": "int8"},
    )
    ids: Ints = found["id"]
    return ids


def _statement(currencies: tuple[str, ...]) -> str:
    """Return the statement with one column of prices for each currency."""
    numbers = range(len(currencies))
    choices = " ".join(f"WHEN %(currency_{n})s THEN price_{n}" for n in numbers)
    return _OUTSIDE.format(
        arrays=", ".join(f"%(values_{n})s" for n in numbers),
        names=", ".join(f"price_{n}" for n in numbers),
        price=f"CASE account.currency {choices} END",
    )
