"""A cache in which one caller computes and the others wait for the result.

    value = flight.get(key)                      hit, no lock
    miss: SET key:lock NX PX -> the winner computes, stores with jitter, publishes nothing
          the losers poll the key for a bounded time, then compute for themselves (never an error)

Redis being down is a miss: every caller computes, none fails.
"""

import logging
import random
import secrets
import time
from collections.abc import Callable

import redis

logger = logging.getLogger(__name__)

_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


def cached(
    client: "redis.Redis",
    *,
    key: str,
    ttl_ms: int,
    compute: Callable[[], bytes],
    wait_ms_max: int = 2000,
    jitter: float = 0.1,
) -> bytes:
    """Return the bytes under `key`, computed once by one of all concurrent callers.

    ttl_ms is shortened at random by up to `jitter`, so that keys made together expire apart.
    """
    try:
        found = client.get(key)
        if found is not None:
            return as_bytes(found)
        token = secrets.token_hex(8)
        won = client.set(f"{key}:lock", token, nx=True, px=wait_ms_max)
    except redis.RedisError:
        logger.warning("Redis is down, computing %s without waiting for others", key)
        return compute()
    if not won:
        waited = _wait(client, key=key, wait_ms_max=wait_ms_max)
        if waited is not None:
            return waited
    try:
        value = compute()
    except BaseException:
        if won:
            _release(client, key, token)  # the others compute at once
        raise
    try:
        lifetime_ms = max(1, int(ttl_ms * (1 - jitter * random.random())))
        client.set(key, value, px=lifetime_ms)
    except redis.RedisError:
        logger.warning("Redis is down, %s is not cached", key)
    if won:
        _release(client, key, token)
    return value


def _release(client: "redis.Redis", key: str, token: str) -> None:
    """Give back a lock that is still ours; where Redis is lost it expires."""
    try:
        client.eval(_RELEASE, 1, f"{key}:lock", token)
    except redis.RedisError:
        logger.warning("Redis is down, the lock of %s was not released and will expire", key)


def as_bytes(value: bytes | str) -> bytes:
    """Return a Redis client's answer as bytes, whatever its decoding."""
    return value.encode() if isinstance(value, str) else value


def _wait(client: "redis.Redis", *, key: str, wait_ms_max: int) -> bytes | None:
    """Return the value another caller computes; None if they are late or fail, or Redis is lost."""
    deadline = time.monotonic() + wait_ms_max / 1000
    pause_s = 0.002
    while time.monotonic() < deadline:
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.05)
        try:
            value, lock = client.mget(key, f"{key}:lock")
        except redis.RedisError:
            logger.warning("Redis went down while waiting for %s, computing it", key)
            return None
        if value is not None:
            return as_bytes(value)
        if lock is None:
            return None
    return None
