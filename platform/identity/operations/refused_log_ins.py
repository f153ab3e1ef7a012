"""Tries to log in that were refused for one e-mail address, until its owner is told.

They are written down for every address, registered or not, so that neither the answer nor its time
says whether somebody is registered. The schedule looks later whose they are. If Redis loses them,
nobody is told of these.
"""

import logging
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import redis

from identity.models import SecurityEvent, User
from identity.operations.security_events import note
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

KIND = "log_ins_refused"
# After them, a log-in from a new device within this time is told in stronger words.
_STRANGE_S = 3600
_WAITING_S = 86_400
_WAITING_MAX = 10_000
_AT_ONCE = 100
# One mail a day says enough.
_AGAIN = timedelta(days=1)


def remember_refused(*, email: str) -> None:
    """Write down that a limit of tries for this address was used up by unknown devices."""
    try:
        client = redis_client()
        with client.pipeline(transaction=False) as pipe:
            pipe.set(keys.refused_log_in(_digest(email)), 1, ex=_STRANGE_S)
            pipe.scard(keys.REFUSED_LOG_INS)
            waiting = pipe.execute()[1]
        if waiting < _WAITING_MAX:
            client.sadd(keys.REFUSED_LOG_INS, email)
            client.expire(keys.REFUSED_LOG_INS, _WAITING_S)
    except redis.RedisError as error:
        logger.warning("Redis is down, refused log-ins are told to nobody: %s", error)


def were_refused(*, email: str) -> bool:
    """Return whether tries for this address were refused lately."""
    try:
        return bool(redis_client().exists(keys.refused_log_in(_digest(email))))
    except redis.RedisError as error:
        logger.warning("Redis is down, refused log-ins cannot be read: %s", error)
        return False


def tell_refused(*, now: datetime) -> int:
    """Tell the owners of addresses for which tries were refused, once a day; return how many."""
    try:
        emails: Any = redis_client().spop(keys.REFUSED_LOG_INS, _AT_ONCE)
    except redis.RedisError as error:
        logger.warning("Redis is down, refused log-ins cannot be read: %s", error)
        return 0
    told = 0
    wanted = [one.decode() if isinstance(one, bytes) else str(one) for one in emails]
    for user in User.objects.filter(email__in=wanted, is_active=True).order_by("pk"):
        lately = SecurityEvent.objects.filter(
            household_id=user.household_id,
            user_id=user.pk,
            kind=KIND,
            created_at__gt=now - _AGAIN,
        )
        if not lately.exists():
            note(kind=KIND, user=user, household_id=user.household_id, now=now)
            told += 1
    return told


def _digest(email: str) -> str:
    return sha256(email.encode("utf-8", "replace")).hexdigest()[:32]
