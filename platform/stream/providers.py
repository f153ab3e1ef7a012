"""What the stream reads from Redis: published quotes, tickets, revocations."""

import logging
import random
from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from stream import metrics
from stream.protocol import Quote, Refused, Ticket, collected, quotes, ticket

logger = logging.getLogger(__name__)

QUOTES = "quotes"  # the hash of the newest quotes and the channel of changed ones
BACKOFF_S_MAX = 5.0
REVOCATIONS_PER_CALL = 1000


async def follow_quotes(
    *,
    redis: "Redis",
    deliver: Callable[[Sequence[Quote]], None],
    up: Callable[[bool], None],
    quiet_s_max: float,
) -> None:
    """Runs for ever: subscribes, reads the whole hash, hands on what is published.

    The subscription comes first, so nothing published while the hash is read is missed. A quiet
    connection is asked for a pong; without one it counts as lost. After a loss: back-off with
    jitter, and all over again, so what changed meanwhile arrives with the hash.
    """
    attempt = 0
    while True:
        try:
            async with redis.pubsub() as subscription:
                async for found in _publications(redis, subscription, quiet_s_max):
                    up(True)
                    attempt = 0
                    deliver(found)
        except (RedisError, OSError) as error:
            logger.warning("quotes subscription lost: %s", error)
        up(False)
        attempt += 1
        await sleep(random.uniform(0.05, min(BACKOFF_S_MAX, 0.2 * 2**attempt)))


async def _publications(
    redis: "Redis", subscription: Any, quiet_s_max: float
) -> AsyncIterator[list[Quote]]:
    """The stored quotes, then every publication until the connection is lost."""
    await subscription.subscribe(QUOTES)
    loaded = asked = False
    while True:
        message = await subscription.get_message(timeout=quiet_s_max)
        if message is None:
            if asked or not loaded:
                raise RedisConnectionError(f"no answer for {quiet_s_max} s")
            asked = True
            await subscription.ping()
            continue
        asked = False
        if message["type"] == "subscribe":
            loaded = True
            stored: dict[bytes, bytes] = await _hash(redis, QUOTES)
            yield _accepted(collected(stored.values()))
        elif message["type"] == "message":
            found = _accepted(quotes(message["data"]))
            if found:
                yield found


async def _hash(redis: Any, key: str) -> dict[bytes, bytes]:
    return dict(await redis.hgetall(key))


def _accepted(found: tuple[list[Quote], list[Refused]]) -> list[Quote]:
    """The good ones; the others are counted and the first of them is logged."""
    good, bad = found
    if bad:
        metrics.QUOTES_REFUSED.inc(len(bad))
        logger.error("%d published quotes refused, first: %s", len(bad), bad[0].detail)
    return good


async def redeemed(redis: "Redis", token: str) -> Ticket | None:
    """The ticket behind a token, which is gone with this call; None when there is none."""
    client: Any = redis
    payload = await client.getdel(f"ticket:{token}")
    if payload is None:
        return None
    found = ticket(payload)
    revoked = await lowest_versions(redis, [found.user_id])
    return None if found.token_version < revoked.get(found.user_id, 0) else found


async def lowest_versions(redis: "Redis", user_ids: Iterable[int]) -> dict[int, int]:
    """The lowest token version still valid, for the users who had some revoked."""
    client: Any = redis
    wanted = list(dict.fromkeys(user_ids))
    lowest: dict[int, int] = {}
    for start in range(0, len(wanted), REVOCATIONS_PER_CALL):
        chunk = wanted[start : start + REVOCATIONS_PER_CALL]
        values = await client.mget([f"revoked:{user_id}" for user_id in chunk])
        lowest.update(
            {user_id: int(value) for user_id, value in zip(chunk, values, strict=True) if value}
        )
    return lowest
