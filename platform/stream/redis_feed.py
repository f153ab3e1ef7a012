"""Reads from Redis: published quotes and ended rights."""

import logging
import random
from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from stores import keys
from stream import metrics
from stream.protocol import Ended, Quote, Refused, collected, ended, quotes

logger = logging.getLogger(__name__)

BACKOFF_S_MAX = 5.0


async def follow(
    *,
    redis: "Redis",
    deliver: Callable[[Sequence[Quote]], None],
    end: Callable[[Ended], None],
    up: Callable[[bool], None],
    quiet_s_max: float,
) -> None:
    """Run forever: subscribe, read the hash of quotes, pass on quotes and ended rights.

    The subscription comes first, so nothing published while the hash is read is missed. A quiet
    connection is pinged; without a pong it counts as lost. After a loss, back off with jitter and
    start over: the hash then has every change. The recheck, which `up(True)` triggers, finds the
    rights that ended during the outage.
    """
    attempt = 0
    while True:
        try:
            async with redis.pubsub() as subscription:
                async for found in _publications(redis, subscription, quiet_s_max):
                    up(True)
                    attempt = 0
                    if isinstance(found, Ended):
                        end(found)
                    else:
                        deliver(found)
        except (RedisError, OSError) as error:
            logger.warning("subscription to Redis lost, reconnecting: %s", error)
        up(False)
        attempt += 1
        await sleep(random.uniform(0.05, min(BACKOFF_S_MAX, 0.2 * 2**attempt)))


async def _publications(
    redis: "Redis", subscription: Any, quiet_s_max: float
) -> AsyncIterator[list[Quote] | Ended]:
    """Yield the stored quotes, then every publication until the connection is lost."""
    await subscription.subscribe(keys.ACCESS, keys.QUOTES)
    loaded = asked = False
    while True:
        message = await subscription.get_message(timeout=quiet_s_max)
        if message is None:
            if asked or not loaded:
                raise RedisConnectionError(f"Redis sent nothing for {quiet_s_max} s")
            asked = True
            await subscription.ping()
            continue
        asked = False
        is_quotes = message["channel"] == keys.QUOTES.encode()
        if message["type"] == "subscribe" and is_quotes:
            loaded = True
            stored: dict[bytes, bytes] = await _hash(redis, keys.QUOTES)
            yield _accepted(collected(stored.values()))
        elif message["type"] == "message" and is_quotes:
            found = _accepted(quotes(message["data"]))
            if found:
                yield found
        elif message["type"] == "message":
            try:
                yield ended(message["data"])
            except Refused as refusal:
                logger.error("%s", refusal.detail)


async def _hash(redis: Any, key: str) -> dict[bytes, bytes]:
    return dict(await redis.hgetall(key))


def _accepted(found: tuple[list[Quote], list[Refused]]) -> list[Quote]:
    """Return the valid quotes; count the others and log the first of them."""
    good, bad = found
    if bad:
        metrics.QUOTES_REFUSED.inc(len(bad))
        logger.error("%d published quotes were malformed, the first: %s", len(bad), bad[0].detail)
    return good
