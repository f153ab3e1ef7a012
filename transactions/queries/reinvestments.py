"""The days on which holdings reinvested their dividends."""

from collections.abc import Collection
from datetime import date, timedelta

from stores.rows import rows_of
from transactions.ledger.kinds import KINDS
from transactions.ledger.wash_windows import DAYS_ASIDE

_REINVESTS = [kind.name for kind in KINDS.values() if kind.reinvests]
_DAYS = """
SELECT event.account_id, event.asset_id, array_agg(event.trade_date)
  FROM transactions_transaction event
  JOIN transactions_holding held
    ON held.account_id = event.account_id AND held.asset_id = event.asset_id
 WHERE event.account_id = ANY(%(accounts)s::bigint[]) AND event.type = ANY(%(types)s::text[])
   AND event.executed_at >= %(since_at)s AND event.trade_date >= %(since)s
   AND event.reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM transactions_transaction WHERE reverses_id = event.id)
 GROUP BY event.account_id, event.asset_id
"""


def reinvestment_days(
    *, account_ids: Collection[int], since: date
) -> dict[tuple[int, int], list[date]]:
    """Return the days by (account id, asset id) of what is still held; one query."""
    rows = rows_of(
        _DAYS,
        {
            "accounts": list(account_ids),
            "types": _REINVESTS,
            "since": since,
            "since_at": since - timedelta(days=DAYS_ASIDE),
        },
    )
    return {(account_id, asset_id): days for account_id, asset_id, days in rows}
