"""What the stream reads from Redis: published quotes, tickets, revocations."""

import logging
import random
from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol, TypeVar

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
    return None if await revoked(redis, [found]) else found


class Entitled(Protocol):
    """Whoever was let in by a ticket."""

    @property
    def user_id(self) -> int: ...
    @property
    def token_version(self) -> int: ...
    @property
    def family(self) -> str: ...


Holder = TypeVar("Holder", bound=Entitled)


async def revoked(redis: "Redis", holders: Sequence[Holder]) -> list[Holder]:
    """Those whose rights have ended since: the user's, or those of the one log-in."""
    client: Any = redis
    ended = []
    for start in range(0, len(holders), REVOCATIONS_PER_CALL):
        chunk = holders[start : start + REVOCATIONS_PER_CALL]
        keys = [f"revoked:{holder.user_id}" for holder in chunk]
        keys += [f"revoked-family:{holder.family}" for holder in chunk]
        values = await client.mget(keys)
        lowest, families = values[: len(chunk)], values[len(chunk) :]
        ended += [
            holder
            for holder, version, family in zip(chunk, lowest, families, strict=True)
            if family is not None or holder.token_version < int(version or 0)
        ]
    return ended
