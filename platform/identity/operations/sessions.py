"""Page sessions: the database is the record, Redis has a copy that expires within five minutes.

Django's own cached sessions fail when Redis is down. When a log-out meets a Redis outage, they also
leave the copy alive for two weeks. Here an outage costs a query, and the copy is short-lived. A
log-out also closes the sockets that were opened from the session's pages.
"""

import logging
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import redis
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from identity.models import Session
from identity.operations.ended_rights import publish_ended
from identity.socket_rights import SESSION_PREFIX
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

COPY_TTL_S = 300

# What the data of a session say about the log-in.
STARTED = "_session_started_at"
SEEN = "_session_seen_at"
# When the person last proved who they are, and whether a second factor took part.
PROVED = "_proved_at"
SECOND_FACTOR = "_second_factor"
DEVICE = "_device"
ADDRESS = "_address"


def session_family(key: str) -> str:
    """Return the stream's name of a page session; the key cannot be derived from it."""
    return f"{SESSION_PREFIX}{sha256(key.encode()).hexdigest()[:32]}"


class SessionStore(CachedStore):
    """The session of `settings.SESSION_ENGINE`."""

    _cache: Any
    _session: dict[str, Any]

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = super().create_model_instance(data)
        assert isinstance(row, Session), "the model class is ours"
        row.family = session_family(row.session_key)
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.device, row.address = data.get(DEVICE, ""), data.get(ADDRESS, "")
        row.created_at, row.last_used_at = _instant(data, STARTED), _instant(data, SEEN)
        return row

    def load(self) -> dict[str, Any]:
        data = self._copy()
        if data is not None:
            return data
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        data = dict(self.decode(row.session_data))
        self._keep(data, expires_at=row.expire_date)
        return {} if self._ended_meanwhile() else data

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
        # In this order: a request that read the row before it was deleted keeps its copy either
        # before this deletion of the copy, or after the end was published, which it looks for.
        publish_ended(session_family(key))
        try:
            self._cache.delete(self.cache_key_prefix + key)
        except redis.RedisError as error:
            logger.warning(
                "Redis is down, an ended session may stay cached for %s s: %s", COPY_TTL_S, error
            )

    def _copy(self) -> dict[str, Any] | None:
        if not self.session_key:
            return None
        try:
            found: dict[str, Any] | None = self._cache.get(self.cache_key)
        except redis.RedisError as error:
            logger.warning("Redis is down, reading the session from the database: %s", error)
            return None
        return found

    def _ended_meanwhile(self) -> bool:
        """Return whether the session ended while it was read; its copy is removed then."""
        try:
            ended = redis_client().exists(keys.ended_family(session_family(self.session_key or "")))
            if ended:
                self._cache.delete(self.cache_key)
        except redis.RedisError as error:
            logger.warning("Redis is down, an ended session is not noticed: %s", error)
            return False
        return bool(ended)

    def _keep(self, data: dict[str, Any], *, expires_at: datetime) -> None:
        left_s = self.get_expiry_age(expiry=expires_at)
        if left_s <= 0:
            return
        try:
            self._cache.set(self.cache_key, data, min(COPY_TTL_S, left_s))
        except redis.RedisError as error:
            logger.warning("Redis is down, the session is not cached: %s", error)


def _instant(data: dict[str, Any], name: str) -> datetime | None:
    seconds = data.get(name)
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
