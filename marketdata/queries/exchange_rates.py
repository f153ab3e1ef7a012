"""Exchange rates: one query for any number of pairs, then none for five minutes.

Fixings are cached in Redis, which all processes share, so that two pages never use two rates.
Writers of fixings call `forget_fixings` after the commit.
"""

import json
import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import redis
from django.db import connection

from core.currencies import CURRENCIES
from marketdata.fx import EURO, Fixing, Rate, crossed
from stores.redis import redis_client

logger = logging.getLogger(__name__)

_TTL_MS = 300_000
_KEY = "fixing"
_NONE = b"null"

_FIXINGS = """
SELECT wanted.currency, wanted.day, fixing.date, fixing.rate
  FROM unnest(%(currencies)s::text[], %(days)s::date[]) AS wanted(currency, day)
 CROSS JOIN LATERAL (
       SELECT date, rate FROM marketdata_exchangerate
        WHERE currency = wanted.currency AND date <= wanted.day
        ORDER BY date DESC LIMIT 1) AS fixing
"""


def exchange_rates(*, pairs: Iterable[tuple[str, str]], as_of: date) -> dict[tuple[str, str], Rate]:
    """Return the rate of each (base, quote) on `as_of`; unknown pairs are absent.

    The newest fixing up to that day counts, however old it is. The rate has its day and whether it
    is stale. Redis answers for five minutes, else one query reads all currencies.
    """
    wanted = list(dict.fromkeys(pairs))
    days = [
        (currency, as_of)
        for pair in wanted
        if pair[0] != pair[1]
        for currency in pair
        if currency != EURO
    ]
    fixings = {currency: fixing for (currency, _), fixing in _fixings(days).items()}
    found = {
        (base, quote): crossed(base=base, quote=quote, fixings=fixings, as_of=as_of)
        for base, quote in wanted
    }
    return {pair: rate for pair, rate in found.items() if rate is not None}


def exchange_rates_on(
    *, wanted: Iterable[tuple[str, str, date]]
) -> dict[tuple[str, str, date], Rate]:
    """Return rates of (base, quote, day) for any number of days in one query."""
    triples = list(dict.fromkeys(wanted))
    days = {
        (currency, day)
        for base, quote, day in triples
        for currency in (base, quote)
        if currency != EURO
    }
    known = _read(sorted(days))
    found: dict[tuple[str, str, date], Rate] = {}
    for base, quote, day in triples:
        fixings = {
            currency: known[currency, day] for currency in (base, quote) if (currency, day) in known
        }
        rate = crossed(base=base, quote=quote, fixings=fixings, as_of=day)
        if rate is not None:
            found[base, quote, day] = rate
    return found


def newest_fixings(*, as_of: date) -> dict[str, Fixing]:
    """Return the newest fixing of every currency that has any, in one query."""
    wanted = [(currency, as_of) for currency in sorted(CURRENCIES - {EURO})]
    return {currency: fixing for (currency, _), fixing in _read(wanted).items()}


def warm_fixings(*, fixings: Mapping[str, Fixing], as_of: date) -> None:
    """Put fixings into the cache again, before the old entries expire."""
    if fixings:
        read = {(currency, as_of): fixing for currency, fixing in fixings.items()}
        _remember({one: _key(*one) for one in read}, read)


def forget_fixings() -> None:
    """Drop every cached fixing: call it after the commit of new or corrected ones."""
    try:
        client = redis_client()
        keys = list(client.scan_iter(match=f"{_KEY}:*", count=1000))
        if keys:
            client.delete(*keys)
    except redis.RedisError:
        logger.warning("Redis is down, old exchange rates may be used for up to five minutes")


def _fixings(days: Sequence[tuple[str, date]]) -> dict[tuple[str, date], Fixing]:
    """Return fixings from Redis, or from one query where Redis has none or is down."""
    wanted = sorted(set(days))
    if not wanted:
        return {}
    keys = [_key(currency, day) for currency, day in wanted]
    try:
        cached = redis_client().mget(keys)
    except redis.RedisError:
        logger.warning("Redis is down, reading exchange rates from the database")
        return _read(wanted)
    found: dict[tuple[str, date], Fixing] = {}
    missing: dict[tuple[str, date], str] = {}
    for one, key, payload in zip(wanted, keys, cached, strict=True):
        if payload is None:
            missing[one] = key
        elif payload != _NONE:
            day, rate = json.loads(payload)
            found[one] = Fixing(Decimal(rate), date.fromisoformat(day))
    if missing:
        read = _read(list(missing))
        _remember(missing, read)
        found |= read
    return found


def _key(currency: str, day: date) -> str:
    return f"{_KEY}:{currency}:{day.isoformat()}"


def _read(wanted: Sequence[tuple[str, date]]) -> dict[tuple[str, date], Fixing]:
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _FIXINGS,
            {
                "currencies": [currency for currency, _ in wanted],
                "days": [day for _, day in wanted],
            },
        )
        return {
            (currency, day): Fixing(rate, fixed_on)
            for currency, day, fixed_on, rate in cursor.fetchall()
        }


def _remember(
    keys: Mapping[tuple[str, date], str], read: Mapping[tuple[str, date], Fixing]
) -> None:
    try:
        with redis_client().pipeline(transaction=False) as pipeline:
            for one, key in keys.items():
                fixing = read.get(one)
                payload = (
                    json.dumps([fixing.date.isoformat(), str(fixing.rate)]) if fixing else _NONE
                )
                pipeline.set(key, payload, px=int(_TTL_MS * (1 - 0.1 * random.random())))
            pipeline.execute()
    except redis.RedisError:
        logger.warning("Redis is down, exchange rates are not cached")
