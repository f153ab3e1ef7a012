"""One Redis client per process: pooled, timed, made after the fork.

A dead Redis must cost a request next to nothing: one immediate retry (the server may have closed an
idle connection), no back-off, and never more waiting than `REDIS_TIMEOUT_S`.
"""

import os
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@cache
def _client(pid: int, url: str) -> "redis.Redis":
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=settings.REDIS_POOL_SIZE,
        timeout=settings.REDIS_TIMEOUT_S,
        socket_timeout=settings.REDIS_TIMEOUT_S,
        socket_connect_timeout=settings.REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
    )
    return redis.Redis(connection_pool=pool)


def redis_client() -> "redis.Redis":
    """The client of the cache instance; a forked child gets its own."""
    return _client(os.getpid(), settings.REDIS_URL)
