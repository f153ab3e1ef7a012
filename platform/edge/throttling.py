"""Counting tries: atomic in Redis, per address and per e-mail, each with its own limit.

Redis down: the same limits are kept per process in memory, with a warning in the log. So an outage
neither locks everybody out nor lets anybody guess without end.
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

from core.callers import caller_address, counted_as
from core.errors import BallastError
from edge.metrics import THROTTLED
from stores.redis import redis_client

logger = logging.getLogger(__name__)


class TooManyRequests(BallastError):
    """The caller must wait."""

    status = 429
    code = "too_many_requests"


@dataclass(frozen=True, slots=True)
class Throttle:
    """How often something may be tried; the settings may say otherwise under `THROTTLES`."""

    name: str
    per_address: str
    per_email: str | None = None


LOG_IN = Throttle("log_in", per_address="30/minute", per_email="10/minute")
REGISTER = Throttle("register", per_address="20/hour", per_email="5/hour")
REFRESH = Throttle("refresh", per_address="120/minute")
INVITE = Throttle("invite", per_address="60/hour")


def consume(throttle: Throttle, *, request: HttpRequest, email: str | None = None) -> None:
    """Counts one try; raises TooManyRequests with Retry-After when a limit is used up."""
    _hit(
        throttle.name,
        _limit(throttle, "per_address"),
        "address",
        counted_as(client_address(request)),
    )
    if throttle.per_email is not None and email is not None:
        digest = sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:32]
        _hit(throttle.name, _limit(throttle, "per_email"), "email", digest)


def client_address(request: HttpRequest) -> str:
    """The address of the caller, as far as our own proxies vouch for it."""
    return caller_address(
        peer=request.META.get("REMOTE_ADDR", ""),
        forwarded_for=[request.META.get("HTTP_X_FORWARDED_FOR", "")],
        trusted_proxy_count=settings.TRUSTED_PROXY_COUNT,
    )


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
        logger.warning("redis is down, %s is throttled per process: %s", name, error)
        passed, wait_s = _counted(_local(os.getpid()), limit, name, kind, value)
    if not passed:
        logger.warning("throttled %s by %s", name, kind)
        THROTTLED.labels(name, kind).inc()
        raise TooManyRequests(
            "Too many tries. Wait before the next one.", retry_after_s=max(1, wait_s)
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
