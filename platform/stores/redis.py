"""One Redis client per process: pooled, with timeouts, created after the fork.

A Redis that is down costs a request one immediate retry (the server may have closed an idle
connection) and no back-off. A Redis that hangs costs one timeout, and then counts as away:

    answering --a command times out--> away for AWAY_S: every command fails at once
              <--one caller asks again and is answered-- (the others still count it as away)

Inside an HTTP request the timeout is REDIS_REQUEST_TIMEOUT_MS, elsewhere REDIS_TIMEOUT_S. Callers
treat `redis.RedisError` as a miss wherever Redis is only a cache.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

AWAY_S = 1.0

_in_request: ContextVar[bool] = ContextVar("in_request", default=False)


class Away(redis.ConnectionError):
    """Redis timed out a moment ago, so it was not asked."""


class Presence:
    """The state of one Redis for this process: present or away."""

    def __init__(self) -> None:
        self._until_s = 0.0  # 0: Redis is present
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: object) -> "Presence":
        return self  # redis-py copies the retry of a pool for each connection; they share this

    def ask(self) -> None:
        """Raise Away while nobody should wait; let one caller through when the time is over."""
        if not self._until_s:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._until_s:
                raise Away("Redis did not respond a moment ago, so it is not asked again yet.")
            self._until_s = now + AWAY_S

    def timed_out(self) -> None:
        with self._lock:
            self._until_s = time.monotonic() + AWAY_S

    def answered(self) -> None:
        if self._until_s:
            with self._lock:
                self._until_s = 0.0


@cache
def presence(pid: int, url: str) -> Presence:
    return Presence()


class _Watched(Retry):
    """Retries as redis-py does, and notes whether Redis answered. Every command comes by here."""

    presence: Presence

    def call_with_retry(self, *arguments: Any, **options: Any) -> Any:
        try:
            answer = super().call_with_retry(*arguments, **options)
        except (redis.TimeoutError, TimeoutError):
            self.presence.timed_out()
            raise
        self.presence.answered()
        return answer


class _Pool(redis.BlockingConnectionPool):
    """Returns no connection to a Redis that is away."""

    presence: Presence

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        self.presence.ask()
        return super().get_connection(*arguments, **options)  # type: ignore[no-untyped-call]


@contextmanager
def request_patience() -> Iterator[None]:
    """Inside the block, wait for Redis only as long as a request may."""
    token = _in_request.set(True)
    try:
        yield
    finally:
        _in_request.reset(token)


def in_request() -> bool:
    """Whether the caller works inside a request, which may not wait long."""
    return _in_request.get()


def redis_client() -> "redis.Redis":
    """Return the client of the cache instance; a forked child gets its own."""
    timeout_s = (
        settings.REDIS_REQUEST_TIMEOUT_MS / 1000 if in_request() else settings.REDIS_TIMEOUT_S
    )
    return _client(os.getpid(), settings.REDIS_URL, timeout_s)


@cache
def _client(pid: int, url: str, timeout_s: float) -> "redis.Redis":
    # A timeout is not retried: the second would cost as much as the first.
    retry = _Watched(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    retry.presence = presence(pid, url)
    pool = _Pool.from_url(
        url,
        max_connections=settings.REDIS_POOL_SIZE,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=retry,
        health_check_interval=0,
    )
    pool.presence = retry.presence
    return redis.Redis(connection_pool=pool)
