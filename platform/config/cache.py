"""Django's Redis cache with JSON instead of pickle, so that cached data is never executed."""

import json
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from stores.redis import redis_client


class JsonSerializer:
    """The two methods that Django's Redis cache calls."""

    def dumps(self, obj: Any) -> bytes | int:
        if isinstance(obj, int) and not isinstance(obj, bool):
            return obj
        return json.dumps(obj, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class SharedClient(RedisCacheClient):
    """Uses the process's one pooled client instead of a pool per thread and a back-off per call."""

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return redis_client()


class JsonRedisCache(RedisCache):
    """A RedisCache whose values are JSON, on the instance REDIS_URL names."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = params.setdefault("OPTIONS", {})
        options.setdefault("serializer", JsonSerializer)
        super().__init__(server, params)
        self._class = SharedClient
