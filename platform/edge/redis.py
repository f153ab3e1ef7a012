"""One Redis client per process: pooled, timed, made after the fork."""

import os
from functools import cache

import redis
from django.conf import settings


@cache
def _client(pid: int, url: str) -> "redis.Redis":
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=settings.REDIS_POOL_SIZE,
        timeout=settings.REDIS_TIMEOUT_S,
        socket_timeout=settings.REDIS_TIMEOUT_S,
        socket_connect_timeout=settings.REDIS_TIMEOUT_S,
        health_check_interval=30,
    )
    return redis.Redis(connection_pool=pool)


def redis_client() -> "redis.Redis":
    """The client of the cache instance; a forked child gets its own."""
    return _client(os.getpid(), settings.REDIS_URL)
