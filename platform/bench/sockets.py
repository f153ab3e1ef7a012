"""`manage.py bench stream`: `bench.stream` with users that the stream finds in the database."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.stream import measured
from identity.models import Household, TokenFamily, User
from identity.socket_rights import Right


def run() -> dict[str, Any]:
    """What `manage.py bench stream` prints: a few hundred sockets on the Redis at REDIS_URL."""
    sockets = 500
    household = Household.objects.create(name="Bench")
    try:
        return measured(redis_url=os.environ["REDIS_URL"], rights=_rights(household, sockets))
    finally:
        User.objects.filter(household=household).delete()
        household.delete()


def _rights(household: Household, count: int) -> list[Right]:
    """Users with a log-in each: the stream compares every socket with the database."""
    tag = secrets.token_hex(4)
    users = User.objects.bulk_create(
        User(email=f"{tag}-{number}@bench.example", password="!", household=household)
        for number in range(count)
    )
    now = datetime.now(UTC)
    families = TokenFamily.objects.bulk_create(
        TokenFamily(user=user, created_at=now, expires_at=now + timedelta(hours=1))
        for user in users
    )
    return [
        Right(user.pk, user.access_epoch, str(family.pk))
        for user, family in zip(users, families, strict=True)
    ]
