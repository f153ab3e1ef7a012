"""Check, publish and store every incoming price, from a provider or the replay.

    refused   unknown symbols; prices that are not finite, not positive, too large, or ten times the
              stored price or more (a tenth or less); instants in the future or older than known
    Redis     at once: hash `quotes` (symbol -> JSON), channel `quotes` (JSON array of changes)
    database  every three seconds, all newest quotes in one statement, by whichever writer is first

A real jump by ten (an unrecorded split) passes once an operator removes the stored price.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import redis
from django.db import connection
from prometheus_client import Counter

from core.limits import PRICE_DECIMALS, PRICE_MAX
from marketdata.quotes import Quote, decoded, encoded
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

QUOTES = Counter("ballast_quotes", "Quotes received, by outcome.", ["outcome"])

STORE_EVERY_MS = 3000
_STORED_KEY = "quotes:stored"
_TIMES_KEY = "quotes:as_of"
_JUMP_MAX = 10
_AHEAD_MAX = timedelta(seconds=5)
_PRICE_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)

# One atomic step: accept newer quotes only, and publish only what was accepted.
_PUBLISH = """
local accepted, texts = {}, {}
for i = 1, #ARGV, 3 do
  local known = tonumber(redis.call('hget', KEYS[2], ARGV[i]) or '0')
  if tonumber(ARGV[i + 1]) >= known then
    redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 2])
    redis.call('hset', KEYS[2], ARGV[i], ARGV[i + 1])
    accepted[#accepted + 1] = ARGV[i]
    texts[#texts + 1] = ARGV[i + 2]
  end
end
if #texts > 0 then redis.call('publish', KEYS[1], '[' .. table.concat(texts, ',') .. ']') end
return accepted
"""

_KNOWN = """
SELECT asset.symbol, asset.exchange, latest.price, latest.as_of, latest.previous_close
  FROM marketdata_asset asset
  LEFT JOIN marketdata_latestprice latest ON latest.asset_id = asset.id
 WHERE asset.household_id IS NULL AND asset.symbol = ANY(%s)
"""

_STORE = """
INSERT INTO marketdata_latestprice (asset_id, price, as_of, source, previous_close)
SELECT asset.id, quote.price, quote.as_of, quote.source, quote.previous_close
  FROM unnest(%s::text[], %s::numeric[], %s::timestamptz[], %s::text[], %s::numeric[])
       AS quote(symbol, price, as_of, source, previous_close)
  JOIN marketdata_asset asset ON asset.symbol = quote.symbol AND asset.household_id IS NULL
 ORDER BY asset.id
ON CONFLICT (asset_id) DO UPDATE
   SET price = EXCLUDED.price, as_of = EXCLUDED.as_of, source = EXCLUDED.source,
       previous_close = COALESCE(EXCLUDED.previous_close, marketdata_latestprice.previous_close)
 WHERE marketdata_latestprice.as_of < EXCLUDED.as_of
    OR (marketdata_latestprice.as_of = EXCLUDED.as_of
        AND marketdata_latestprice.price <> EXCLUDED.price)
"""


@dataclass(frozen=True, slots=True)
class IncomingQuote:
    """A provider's quote. Without a previous close, the stored one is kept."""

    symbol: str
    price: Decimal
    as_of: datetime
    source: str
    previous_close: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The number of accepted quotes, and (symbol, code) of each refused one."""

    accepted: int
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Known:
    exchange: str
    price: Decimal | None
    as_of: datetime | None
    previous_close: Decimal | None


def record_quotes(*, quotes: Sequence[IncomingQuote], now: datetime) -> Recorded:
    """Publish the plausible quotes; count and log the others without writing them."""
    newest = {quote.symbol: quote for quote in sorted(quotes, key=lambda q: q.as_of)}
    known = _known(newest)
    accepted: list[Quote] = []
    refused: list[tuple[str, str]] = []
    for symbol, quote in newest.items():
        fault = _fault(quote, known.get(symbol), now)
        if fault is None:
            accepted.append(_quote(quote, known[symbol]))
        else:
            refused.append((symbol, fault))
    refused.extend((symbol, "older_than_known") for symbol in _publish(accepted, now=now))
    QUOTES.labels("accepted").inc(len(newest) - len(refused))
    for _, code in refused:
        QUOTES.labels(code).inc()
    if refused:
        logger.warning("refused %d quotes: %s", len(refused), refused[:10])
    return Recorded(len(newest) - len(refused), tuple(refused))


def store_quotes(*, quotes: Iterable[Quote]) -> None:
    """Write the newest prices to the database in one statement; ignore older ones."""
    rows = list(quotes)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            [
                [quote.symbol for quote in rows],
                [quote.price for quote in rows],
                [quote.as_of for quote in rows],
                [quote.source for quote in rows],
                [quote.previous_close for quote in rows],
            ],
        )


def newest_quote_at() -> datetime | None:
    """Return when the newest quote of all was made; None if Redis has none."""
    times: Any = redis_client().hvals(_TIMES_KEY)
    if not times:
        return None
    return datetime.fromtimestamp(max(int(at) for at in times) / 1000, UTC)


def _known(symbols: Iterable[str]) -> dict[str, _Known]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [sorted(symbols)])
        return {symbol: _Known(*rest) for symbol, *rest in cursor.fetchall()}


def _fault(quote: IncomingQuote, known: _Known | None, now: datetime) -> str | None:
    """Return why a quote is refused, or None."""
    if known is None:
        return "symbol_unknown"
    for value in (quote.price, quote.previous_close):
        fault = None if value is None else _price_fault(value)
        if fault is not None:
            return fault
    if quote.as_of > now + _AHEAD_MAX:
        return "as_of_in_future"
    if known.as_of is not None and quote.as_of < known.as_of:
        return "older_than_known"
    if known.price is not None:
        ratio = quote.price / known.price
        if ratio >= _JUMP_MAX or ratio * _JUMP_MAX <= 1:
            return "price_absurd"
    return None


def _price_fault(value: Decimal) -> str | None:
    if not value.is_finite():
        return "price_not_finite"
    if value > PRICE_MAX:
        return "price_too_large"
    return "price_not_positive" if value.quantize(_PRICE_STEP) <= 0 else None


def _quote(quote: IncomingQuote, known: _Known) -> Quote:
    return Quote(
        symbol=quote.symbol,
        price=quote.price.quantize(_PRICE_STEP),
        as_of=quote.as_of.astimezone(UTC),
        stale=False,
        source=quote.source,
        previous_close=quote.previous_close or known.previous_close,
        exchange=known.exchange,
    )


def _publish(quotes: Sequence[Quote], *, now: datetime) -> list[str]:
    """Write to Redis and, when due, to the database. Return symbols with newer quotes in Redis."""
    if not quotes:
        return []
    client = redis_client()
    arguments: list[Any] = []
    for quote in quotes:
        arguments += [quote.symbol, int(quote.as_of.timestamp() * 1000), encoded(quote)]
    try:
        accepted = {
            name.decode() for name in client.eval(_PUBLISH, 2, keys.QUOTES, _TIMES_KEY, *arguments)
        }
        if client.set(_STORED_KEY, "1", nx=True, px=STORE_EVERY_MS):
            payloads = client.hgetall(keys.QUOTES).values()
            store_quotes(quotes=[decoded(payload, now=now) for payload in payloads])
    except redis.RedisError:
        logger.warning("Redis is down, %d quotes are written to the database only", len(quotes))
        store_quotes(quotes=quotes)
        return []
    return [quote.symbol for quote in quotes if quote.symbol not in accepted]
