"""Page sessions: the database has the truth, Redis a copy that dies within five minutes.

Django's own cached sessions fail when Redis is down and, when a log-out meets a Redis outage, leave
the copy alive for two weeks. Here an outage costs a query, and a log-out is final soon. It also
ends the sockets that were opened from the session's pages.
"""

import logging
from datetime import datetime
from hashlib import sha256
from typing import Any

import redis
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from identity.operations.access import end_family

logger = logging.getLogger(__name__)

COPY_TTL_S = 300


def session_family(key: str) -> str:
    """What sockets of a session's pages are known by. Nobody can tell the key from it."""
    return f"session-{sha256(key.encode()).hexdigest()[:32]}"


class SessionStore(CachedStore):
    """The session of `settings.SESSION_ENGINE`."""

    _cache: Any
    _session: dict[str, Any]

    def load(self) -> dict[str, Any]:
        data = self._copy()
        if data is not None:
            return data
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        data = dict(self.decode(row.session_data))
        self._keep(data, expires_at=row.expire_date)
        return data

    def exists(self, session_key: str) -> bool:
        return bool(session_key) and DatabaseStore.exists(self, session_key)

    def save(self, must_create: bool = False) -> None:
        DatabaseStore.save(self, must_create)
        self._keep(self._session, expires_at=self.get_expiry_date())

    def delete(self, session_key: str | None = None) -> None:
        DatabaseStore.delete(self, session_key)
        key = session_key or self.session_key
        if key is None:
            return
        try:
            self._cache.delete(self.cache_key_prefix + key)
        except redis.RedisError as error:
            logger.warning("redis is down, a session's copy lives %s s: %s", COPY_TTL_S, error)
        else:
            end_family(session_family(key))

    def _copy(self) -> dict[str, Any] | None:
        if not self.session_key:
            return None
        try:
            found: dict[str, Any] | None = self._cache.get(self.cache_key)
        except redis.RedisError as error:
            logger.warning("redis is down, reading the session from the database: %s", error)
            return None
        return found

    def _keep(self, data: dict[str, Any], *, expires_at: datetime) -> None:
        left_s = self.get_expiry_age(expiry=expires_at)
        if left_s <= 0:
            return
        try:
            self._cache.set(self.cache_key, data, min(COPY_TTL_S, left_s))
        except redis.RedisError as error:
            logger.warning("redis is down, the session is not copied: %s", error)
