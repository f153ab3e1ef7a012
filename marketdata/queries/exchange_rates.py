"""Exchange rates: one query for any number of pairs, none for five minutes after."""

import json
import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import redis
from django.db import connection

from marketdata.fx import EURO, Fixing, Rate, crossed
from stores.redis import redis_client

logger = logging.getLogger(__name__)

_TTL_MS = 300_000
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
    """The rate of each (base, quote) on `as_of`, through the euro; unknown pairs are absent.

    The newest fixing up to that day counts however old it is, and the rate says its day and whether
    it is stale. One look-up per currency: Redis for five minutes, else one query for all of them.
    """
    wanted = list(dict.fromkeys(pairs))
    days = [(currency, as_of) for pair in wanted for currency in pair if currency != EURO]
    fixings = {currency: fixing for (currency, _), fixing in _fixings(days).items()}
    found = {
        (base, quote): crossed(base=base, quote=quote, fixings=fixings, as_of=as_of)
        for base, quote in wanted
    }
    return {pair: rate for pair, rate in found.items() if rate is not None}


def exchange_rates_on(
    *, wanted: Iterable[tuple[str, str, date]]
) -> dict[tuple[str, str, date], Rate]:
    """Rates of (base, quote, day) for any number of days in one query: imports, histories."""
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


def _fixings(days: Sequence[tuple[str, date]]) -> dict[tuple[str, date], Fixing]:
    """Fixings from Redis, and from one query where Redis does not have them (or is down)."""
    wanted = sorted(set(days))
    if not wanted:
        return {}
    keys = [f"fixing:{currency}:{day.isoformat()}" for currency, day in wanted]
    try:
        cached = redis_client().mget(keys)
    except redis.RedisError:
        logger.warning("cache unreachable, reading exchange rates from the database")
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
        logger.warning("cache unreachable, exchange rates not remembered")
