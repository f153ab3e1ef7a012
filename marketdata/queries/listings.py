"""Reads: which vendors quote which assets."""

from collections.abc import Iterable
from datetime import date, datetime

from marketdata.vendor_quotes import Close, Listed
from stores.rows import rows_of

_LISTED = """
SELECT asset.id, asset.symbol, asset.currency, asset.exchange,
       array_agg(listing.provider ORDER BY listing.rank, listing.id),
       array_agg(listing.provider_symbol ORDER BY listing.rank, listing.id)
  FROM marketdata_listing listing
  JOIN marketdata_asset asset ON asset.id = listing.asset_id
 WHERE asset.is_active AND asset.household_id IS NULL AND listing.provider = ANY(%(providers)s)
 GROUP BY asset.id
 ORDER BY asset.id
"""

# The last session of each asset in the packed closes, which lie on few pages.
_LAST = """
SELECT DISTINCT ON (asset_id) asset_id, split_part(days, ' ', -1)::int,
       split_part(closes, ' ', -1)::numeric, asset.exchange
  FROM marketdata_yearofcloses
  JOIN marketdata_asset asset ON asset.id = asset_id
 WHERE asset_id = ANY(%(ids)s::bigint[])
 ORDER BY asset_id, year DESC
"""


_OLDEST = """
SELECT asset.symbol, latest.as_of, latest.source
  FROM marketdata_listing listing
  JOIN marketdata_asset asset ON asset.id = listing.asset_id AND asset.is_active
  LEFT JOIN marketdata_latestprice latest ON latest.asset_id = asset.id
 WHERE listing.provider = %(provider)s
   AND NOT EXISTS (SELECT 1 FROM marketdata_listing other
                    WHERE other.asset_id = listing.asset_id AND other.rank < listing.rank)
 ORDER BY latest.as_of NULLS FIRST, asset.id
 LIMIT %(count)s
"""


def listed(*, providers: Iterable[str]) -> list[Listed]:
    """Return the active public assets that any of these vendors quotes, in one query."""
    return [
        Listed(asset_id, symbol, currency, exchange, tuple(zip(vendors, names, strict=True)))
        for asset_id, symbol, currency, exchange, vendors, names in rows_of(
            _LISTED, {"providers": list(providers)}
        )
    ]


def stored_closes(*, asset_ids: Iterable[int]) -> dict[int, Close]:
    """Return each asset's last close, in one query; assets without any are absent."""
    return {
        asset_id: Close(date.fromordinal(day), price, exchange)
        for asset_id, day, price, exchange in rows_of(_LAST, {"ids": sorted(set(asset_ids))})
    }


def oldest_quotes(*, provider: str, count: int) -> list[tuple[str, datetime | None, str | None]]:
    """Return symbol, time and source of the oldest quotes of assets a vendor quotes first."""
    rows = rows_of(_OLDEST, {"provider": provider, "count": count})
    return [(symbol, as_of, source) for symbol, as_of, source in rows]
