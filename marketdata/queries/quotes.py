"""The newest prices: from Redis in one call, from PostgreSQL otherwise."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import redis

from marketdata.models import Asset
from marketdata.quotes import Quote, decoded, is_stale, last_close
from stores import keys
from stores.redis import redis_client
from stores.rows import rows_of

logger = logging.getLogger(__name__)

# The stored quote of each asset, or its last close if no quote was ever stored.
_STORED = """
SELECT wanted.id, latest.price, latest.as_of, latest.source, latest.previous_close,
       last.day, last.close
  FROM unnest(%(ids)s::bigint[]) AS wanted(id)
  LEFT JOIN marketdata_latestprice latest ON latest.asset_id = wanted.id
  LEFT JOIN LATERAL (
       SELECT split_part(days, ' ', -1)::int AS day, split_part(closes, ' ', -1)::numeric AS close
         FROM marketdata_yearofcloses
        WHERE asset_id = wanted.id AND latest.asset_id IS NULL
        ORDER BY year DESC LIMIT 1) last ON true
 WHERE latest.asset_id IS NOT NULL OR last.day IS NOT NULL
"""


def live_quotes(*, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
    """Return quotes of public assets from Redis, in one call; empty if Redis is down."""
    wanted = list(dict.fromkeys(symbols))
    if not wanted:
        return {}
    try:
        payloads = redis_client().hmget(keys.QUOTES, wanted)
    except redis.RedisError:
        logger.warning("Redis is down, using stored prices instead of live quotes")
        return {}
    return {
        symbol: decoded(payload, now=now)
        for symbol, payload in zip(wanted, payloads, strict=True)
        if payload is not None
    }


def quotes(*, assets: Sequence[Asset], now: datetime) -> dict[int, Quote]:
    """Return the newest quote of each asset by id, or its last close if it has none.

    Redis answers for public assets, one query for the rest. Assets that no feed knows are absent.
    Staleness is judged at `now` by the rule in `marketdata.quotes`, not when the price was written.
    """
    live = live_quotes(
        symbols=[asset.symbol for asset in assets if asset.household_id is None], now=now
    )
    found = {
        asset.pk: live[asset.symbol]
        for asset in assets
        if asset.household_id is None and asset.symbol in live
    }
    missing = {asset.pk: asset for asset in assets if asset.pk not in found}
    if missing:
        for pk, price, as_of, source, previous, day, close in rows_of(
            _STORED, {"ids": sorted(missing)}
        ):
            asset = missing[pk]
            if price is None:
                found[pk] = last_close(
                    symbol=asset.symbol, close=close, day=day, exchange=asset.exchange, now=now
                )
                continue
            found[pk] = Quote(
                symbol=asset.symbol,
                price=price,
                as_of=as_of,
                stale=is_stale(source=source, as_of=as_of, now=now, exchange=asset.exchange),
                source=source,
                previous_close=previous,
                exchange=asset.exchange,
            )
    return found
