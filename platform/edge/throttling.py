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
from ipaddress import ip_address, ip_network

import limits
import redis
from django.conf import settings
from django.http import HttpRequest
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from core.errors import BallastError
from edge.metrics import THROTTLED
from edge.redis import redis_client

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
    _hit(throttle.name, _limit(throttle, "per_address"), "address", client_network(request))
    if throttle.per_email is not None and email is not None:
        digest = sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:32]
        _hit(throttle.name, _limit(throttle, "per_email"), "email", digest)


def client_address(request: HttpRequest) -> str:
    """The address of the caller: the last one that only our own proxies could have written."""
    count: int = settings.TRUSTED_PROXY_COUNT
    peer: str = request.META.get("REMOTE_ADDR", "") or "unknown"
    if count <= 0:
        return peer
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    hops = [hop for hop in hops if hop]
    return hops[-count] if len(hops) >= count else peer


def client_network(request: HttpRequest) -> str:
    """What is counted as one caller: an IPv4 address, or the /64 an IPv6 host can choose from."""
    text = client_address(request)
    try:
        address = ip_address(text)
    except ValueError:
        return "unknown"
    return text if address.version == 4 else str(ip_network(f"{text}/64", strict=False))


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
