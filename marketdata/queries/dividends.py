"""Reads: the dividends that vendors announced."""

from collections.abc import Collection
from datetime import date

from marketdata.dividends import Announced
from stores.rows import rows_of

# The vendor that is asked first counts. Another one's ex-date may be a day off, so a dividend of
# the same cash this near to one of a better vendor is the same.
_SAME_DAYS = 5

_DIVIDENDS = """
SELECT announced.asset_id, announced.ex_date, announced.amount, announced.currency,
       announced.payment_date
  FROM marketdata_announceddividend announced
  LEFT JOIN marketdata_listing listing
    ON listing.asset_id = announced.asset_id AND listing.provider = announced.provider
 WHERE announced.asset_id = ANY(%(assets)s::bigint[])
   AND announced.ex_date BETWEEN %(since)s AND %(until)s
   AND NOT EXISTS (
       SELECT FROM marketdata_announceddividend other
         LEFT JOIN marketdata_listing better
           ON better.asset_id = other.asset_id AND better.provider = other.provider
        WHERE other.asset_id = announced.asset_id AND other.provider <> announced.provider
          AND (coalesce(better.rank, 32767), other.provider)
              < (coalesce(listing.rank, 32767), announced.provider)
          AND (other.ex_date = announced.ex_date
               OR other.amount = announced.amount
                  AND abs(other.ex_date - announced.ex_date) <= %(same)s))
 ORDER BY announced.ex_date, announced.asset_id
"""


def announced_dividends(
    *, asset_ids: Collection[int], from_date: date, to_date: date
) -> list[Announced]:
    """Return the dividends of assets by ex-date. Each is one, however many vendors announce it."""
    values = {
        "assets": sorted(asset_ids),
        "since": from_date,
        "until": to_date,
        "same": _SAME_DAYS,
    }
    return [Announced(*row) for row in rows_of(_DIVIDENDS, values)]
