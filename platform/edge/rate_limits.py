"""Rate limits: count attempts per address and per subject (an e-mail address or a user) in Redis.

The figures are below; the setting RATE_LIMITS overrides them. A count and its check are one step.

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
    """The caller must wait. `counted_by`: whose tries are used up, `address` or `subject`."""

    status = 429
    code = "too_many_requests"
    counted_by = ""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit on attempts, per address and per subject; the setting RATE_LIMITS overrides it."""

    name: str
    per_address: str
    per_subject: str | None = None


# Unknown devices share the tries of an e-mail address; each known device has its own. So guessing
# one password is bounded to 10 tries a minute for all strangers together (14,400 a day), and their
# tries take none from a device that the owner has logged in from before.
LOG_IN = RateLimit("log_in", per_address="30/minute", per_subject="10/minute")
# Logged-in users who confirm with their password: counted by user.
PASSWORD = RateLimit("password", per_address="30/minute", per_subject="10/minute")
# Codes of six digits: per user and device, so that guessing takes years.
SECOND_FACTOR = RateLimit("second_factor", per_address="30/minute", per_subject="5/minute")
SECOND_FACTOR_DAY = RateLimit("second_factor_day", per_address="1000/day", per_subject="50/day")
PROOF = RateLimit("proof", per_address="30/minute", per_subject="5/minute")
RESET = RateLimit("password_reset", per_address="20/hour", per_subject="5/hour")
LINK = RateLimit("mailed_link", per_address="60/hour")
PASSKEY = RateLimit("passkey", per_address="60/minute", per_subject="20/minute")
MAKE_KEY = RateLimit("make_key", per_address="60/hour", per_subject="20/hour")
CHANGE_EMAIL = RateLimit("change_email", per_address="20/hour", per_subject="5/hour")
REGISTER = RateLimit("register", per_address="20/hour", per_subject="5/hour")
REFRESH = RateLimit("refresh", per_address="120/minute")
# Each costs a call of the installation's quota at a vendor, unless somebody searched it today.
VENDOR_SEARCH = RateLimit("vendor_search", per_address="120/hour", per_subject="60/hour")
OWN_DATA = RateLimit("own_data", per_address="60/hour", per_subject="10/hour")
# What a person shows to everybody, or brings before the moderators.
PUBLISH = RateLimit("publish", per_address="120/hour", per_subject="30/hour")
REPORT = RateLimit("report", per_address="60/hour", per_subject="20/hour")
INVITE = RateLimit("invite", per_address="60/hour", per_subject="20/hour")


@dataclass(frozen=True, slots=True)
class Device:
    """A device known for an e-mail address; `at_its_address` if only its address is known."""

    name: str
    at_its_address: bool


def consume(
    rate_limit: RateLimit,
    *,
    request: HttpRequest,
    subject: str | None = None,
    device: Device | None = None,
) -> None:
    """Count one try; raise TooManyRequests with Retry-After if a limit is used up.

    `subject` is an e-mail address, or a user's name such as "user:7". A known device has its own
    count; other devices at its address do not affect it if it is known by its cookie.
    """
    if device is None or device.at_its_address:
        _hit(
            rate_limit.name, _limit(rate_limit, "per_address"), "address", counted_address(request)
        )
    if rate_limit.per_subject is not None and subject is not None:
        counted = subject.strip().lower() + ("" if device is None else f" {device.name}")
        digest = sha256(counted.encode("utf-8", "replace")).hexdigest()[:32]
        _hit(rate_limit.name, _limit(rate_limit, "per_subject"), "subject", digest)


def counted_address(request: HttpRequest) -> str:
    """Return the caller's address as the limits count it."""
    return counted_as(client_address(request))


def _limit(rate_limit: RateLimit, field: str) -> limits.RateLimitItem:
    chosen = settings.RATE_LIMITS.get(f"{rate_limit.name}.{field}")
    return _parsed(chosen or getattr(rate_limit, field))


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
        refusal = TooManyRequests(
            "Too many attempts. Wait before you try again.", retry_after_s=max(1, wait_s)
        )
        refusal.counted_by = kind
        raise refusal


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
        RedisStorage("redis://", connection_pool=pool, key_prefix="rate-limit")
    )


@cache
def _local(pid: int) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
