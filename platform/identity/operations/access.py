"""Making what requests know of a user true again, at once.

Every operation that changes who somebody is or what he may see calls `forget` inside its
transaction; after the commit nothing remembered counts, whatever a slow reader still writes.
"""

import logging
from collections.abc import Collection
from functools import partial
from uuid import UUID

import redis
from django.db import transaction

from stores.redis import redis_client

logger = logging.getLogger(__name__)

_EPOCH_TTL_S = 86_400
# Longer than any refresh token or socket lives.
_REVOKED_TTL_S = 31 * 86_400
# Longer than an access token lives, and than the stream may be without Redis.
_FAMILY_TTL_S = 86_400


def forget(*, user_ids: Collection[int]) -> None:
    """After the commit, nothing remembered of these users is believed any more."""
    transaction.on_commit(partial(_forget, tuple(user_ids)))


def revoke_before(*, user_id: int, token_version: int) -> None:
    """After the commit, tokens and sockets older than this version are refused everywhere."""
    transaction.on_commit(partial(_revoke_before, user_id, token_version))


def revoke_family(*, family_id: UUID) -> None:
    """After the commit, access tokens and sockets of this log-in are refused too."""
    transaction.on_commit(partial(end_family, str(family_id)))


def end_family(family: str) -> None:
    """At once: what was opened under this log-in is refused from here on."""
    try:
        redis_client().set(f"revoked-family:{family}", 1, ex=_FAMILY_TTL_S)
    except redis.RedisError as error:
        _too_late(error)


def _forget(user_ids: tuple[int, ...]) -> None:
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for user_id in user_ids:
                pipe.incr(f"principal-epoch:{user_id}")
                pipe.expire(f"principal-epoch:{user_id}", _EPOCH_TTL_S)
            pipe.execute()
    except redis.RedisError as error:
        _too_late(error)


def _revoke_before(user_id: int, token_version: int) -> None:
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            pipe.set(f"revoked:{user_id}", token_version, ex=_REVOKED_TTL_S)
            pipe.delete(f"principal:{user_id}")
            pipe.execute()
    except redis.RedisError as error:
        _too_late(error)


def _too_late(error: redis.RedisError) -> None:
    # The database has the truth; what Redis remembered dies within PRINCIPAL_TTL_S.
    logger.error("redis is down: a revocation takes up to a minute to be seen: %s", error)
