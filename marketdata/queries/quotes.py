"""The newest prices: from Redis in one call, from PostgreSQL otherwise."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import redis

from marketdata.models import Asset, LatestPrice
from marketdata.quotes import Quote, decoded, is_stale
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

OWN_QUOTES_KEY = "own-quotes"


def live_quotes(*, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
    """Return quotes of public assets from Redis, in one call; empty if Redis is down."""
    wanted = list(dict.fromkeys(symbols))
    if not wanted:
        return {}
    try:
        payloads = redis_client().hmget(keys.QUOTES, wanted)
    except redis.RedisError:
        logger.warning("cache unreachable, using stored prices instead of live quotes")
        return {}
    return {
        symbol: decoded(payload, now=now)
        for symbol, payload in zip(wanted, payloads, strict=True)
        if payload is not None
    }


def own_quotes(*, asset_ids: Iterable[int], now: datetime) -> dict[int, Quote]:
    """Return the newest prices of own assets by asset id, read from Redis; others are absent."""
    wanted = list(asset_ids)
    if not wanted:
        return {}
    try:
        payloads = redis_client().hmget(OWN_QUOTES_KEY, [str(asset_id) for asset_id in wanted])
    except redis.RedisError:
        logger.warning("cache unreachable, using stored prices of own assets")
        return {}
    return {
        asset_id: decoded(payload, now=now)
        for asset_id, payload in zip(wanted, payloads, strict=True)
        if payload is not None
    }


def quotes(*, assets: Sequence[Asset], now: datetime) -> dict[int, Quote]:
    """Return the newest quote of each asset by id: Redis for public assets, one query for the rest.

    Assets without a price are absent. Staleness is judged at `now` by the rule in
    `marketdata.quotes`, not when the price was written.
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
        for row in LatestPrice.objects.filter(asset_id__in=sorted(missing)):
            found[row.asset_id] = stored_quote(row=row, asset=missing[row.asset_id], now=now)
    return found


def stored_quote(*, row: LatestPrice, asset: Asset, now: datetime) -> Quote:
    """Return a stored price as a quote."""
    return Quote(
        symbol=asset.symbol,
        price=row.price,
        as_of=row.as_of,
        stale=is_stale(source=row.source, as_of=row.as_of, now=now, exchange=asset.exchange),
        source=row.source,
        previous_close=row.previous_close,
        exchange=asset.exchange,
    )
