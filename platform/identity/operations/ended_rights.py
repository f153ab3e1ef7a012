"""Publish that a user's rights have changed or a log-in has ended, so every process acts at once.

PostgreSQL is the record. Triggers raise `User.access_epoch` in the transaction that changes the
user's rights (role, household, adviser links, password, open or closed). Cached principals, stream
tickets and sockets of an older epoch are void.

Every operation that changes rights calls `rights_changed` in that transaction. After the commit it
    raises access-epoch:<id>   a cached principal or a ticket with a lower epoch is refused
    deletes principal:<id>     the next request reads the database
    publishes on `access`      `stream.revocation` closes the sockets
Redis may lose all of this. A restarted cache holds no principal and no ticket, and the stream
processes compare their sockets with PostgreSQL every STREAM_RECHECK_S.
"""

import json
import logging
from collections.abc import Collection, Mapping
from functools import partial
from uuid import UUID

import redis
from django.db import transaction

from identity.models import User
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

# Longer than the lifetime of a cached principal, a ticket or an access token.
_PUBLISHED_TTL_S = 86_400
# The epoch published for a deleted user: higher than any real one.
_GONE = 2**53
_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
redis.call('DEL', KEYS[2])
"""


def rights_changed(*, user_ids: Collection[int]) -> None:
    """Publish after the commit that these users' rights changed in this transaction."""
    epochs = dict.fromkeys(user_ids, _GONE)
    epochs |= User.objects.filter(pk__in=user_ids).values_list("pk", "access_epoch")
    transaction.on_commit(partial(_publish_epochs, epochs))


def family_ended(*, family_id: UUID) -> None:
    """Publish after the commit that this log-in of the API has ended."""
    transaction.on_commit(partial(publish_ended, str(family_id)))


def publish_ended(family: str) -> None:
    """Publish at once that a log-in has ended: its access tokens and sockets are refused."""
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            pipe.set(keys.ended_family(family), 1, ex=_PUBLISHED_TTL_S)
            pipe.publish(keys.ACCESS, json.dumps({"families": [family]}))
            pipe.execute()
    except redis.RedisError as error:
        _not_published(error)


def _publish_epochs(epochs: Mapping[int, int]) -> None:
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for user_id, epoch in epochs.items():
                names = (keys.access_epoch(user_id), keys.principal(user_id))
                pipe.eval(_RAISE, 2, *names, epoch, _PUBLISHED_TTL_S)
            pipe.publish(keys.ACCESS, json.dumps({"users": epochs}))
            pipe.execute()
    except redis.RedisError as error:
        _not_published(error)


def _not_published(error: redis.RedisError) -> None:
    # Sockets are compared with the database anyway; a cached principal lives PRINCIPAL_TTL_S.
    logger.error("Redis is down, revoked rights take effect within a minute: %s", error)
