"""Rate limits: count attempts per address and per e-mail address, atomically in Redis.

While Redis is down, each process keeps the same limits in memory, with a warning in the log. So an
outage neither locks everybody out nor permits unlimited guessing.
"""

import logging
import os
import time
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

import limits
import redis
from django.conf import settings
from django.http import HttpRequest
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from core.callers import counted_as
from core.errors import BallastError
from edge.addresses import client_address
from edge.metrics import THROTTLED
from stores.redis import redis_client

logger = logging.getLogger(__name__)


class TooManyRequests(BallastError):
    """The caller must wait."""

    status = 429
    code = "too_many_requests"


@dataclass(frozen=True, slots=True)
class Throttle:
    """A limit on attempts; settings may override it under `THROTTLES`."""

    name: str
    per_address: str
    per_email: str | None = None


# Unknown devices share the tries of an e-mail address; each known device has its own. So guessing
# one password is bounded to 10 tries a minute for all strangers together (14,400 a day), and their
# tries take none from a device that the owner has logged in from before.
LOG_IN = Throttle("log_in", per_address="30/minute", per_email="10/minute")
# Logged-in users who confirm with their password: counted by user.
PASSWORD = Throttle("password", per_address="30/minute", per_email="10/minute")
CHANGE_EMAIL = Throttle("change_email", per_address="20/hour", per_email="5/hour")
REGISTER = Throttle("register", per_address="20/hour", per_email="5/hour")
REFRESH = Throttle("refresh", per_address="120/minute")
INVITE = Throttle("invite", per_address="60/hour", per_email="20/hour")


@dataclass(frozen=True, slots=True)
class Device:
    """A device known for an e-mail address; `at_its_address` if only its address is known."""

    name: str
    at_its_address: bool


def consume(
    throttle: Throttle,
    *,
    request: HttpRequest,
    email: str | None = None,
    device: Device | None = None,
) -> None:
    """Count one try; raise TooManyRequests with Retry-After if a limit is used up.

    `email` is the subject of the second limit: an e-mail address, or a name such as "user:7". A
    known device has its own count; other devices at its address do not affect it if it is known by
    its cookie.
    """
    if device is None or device.at_its_address:
        _hit(throttle.name, _limit(throttle, "per_address"), "address", counted_address(request))
    if throttle.per_email is not None and email is not None:
        counted = email.strip().lower() + ("" if device is None else f" {device.name}")
        digest = sha256(counted.encode("utf-8", "replace")).hexdigest()[:32]
        _hit(throttle.name, _limit(throttle, "per_email"), "email", digest)


def counted_address(request: HttpRequest) -> str:
    """Return the caller's address as the limits count it."""
    return counted_as(client_address(request))


def _limit(throttle: Throttle, field: str) -> limits.RateLimitItem:
    chosen = getattr(settings, "THROTTLES", {}).get(f"{throttle.name}.{field}")
    return _parsed(chosen or getattr(throttle, field))


@cache
def _parsed(text: str) -> limits.RateLimitItem:
    return limits.parse(text)


def _hit(name: str, limit: limits.RateLimitItem, kind: str, value: str) -> None:
    try:
        passed, wait_s = _counted(
            _shared(os.getpid(), settings.REDIS_URL), limit, name, kind, value
        )
    except redis.RedisError as error:
        logger.warning("Redis is down, rate limit %s is counted per process: %s", name, error)
        passed, wait_s = _counted(_local(os.getpid()), limit, name, kind, value)
    if not passed:
        logger.warning("rate limit %s exceeded, counted by %s", name, kind)
        THROTTLED.labels(name, kind).inc()
        raise TooManyRequests(
            "Too many attempts. Wait before you try again.", retry_after_s=max(1, wait_s)
        )


def _counted(
    limiter: MovingWindowRateLimiter, limit: limits.RateLimitItem, *identity: str
) -> tuple[bool, int]:
    if limiter.hit(limit, *identity):
        return True, 0
    stats = limiter.get_window_stats(limit, *identity)
    return False, int(stats.reset_time - time.time() + 0.999)


@cache
def _shared(pid: int, url: str) -> MovingWindowRateLimiter:
    pool = redis_client().connection_pool
    return MovingWindowRateLimiter(
        RedisStorage("redis://", connection_pool=pool, key_prefix="throttle")
    )


@cache
def _local(pid: int) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
