"""Who somebody is and what he may see, read once a minute and remembered in Redis.

    MGET principal:<id> principal-epoch:<id> revoked:<id> revoked-family:<fam>      one round trip

An operation that changes what is remembered raises the epoch after its commit. A reader stores the
epoch it saw *before* it read the database, so that an answer read too early is never believed.
Redis being down is a miss: the database answers, nobody is locked out and nobody let in.
"""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import redis
from django.db.models import QuerySet

from identity.models import (
    AdviserLink,
    Household,
    Invitation,
    Role,
    TokenFamily,
    User,
)
from identity.tokens import Access, TokenRefused
from stores.redis import redis_client

logger = logging.getLogger(__name__)

PRINCIPAL_TTL_S = 60

# What a request needs to know of its user; everything else is loaded when somebody asks. In the
# order of the model's columns, because `from_db` hands the values out in that order.
_NEEDED = frozenset(
    {
        "id",
        "public_id",
        "household_id",
        "role",
        "token_version",
        "is_active",
        "is_staff",
        "is_superuser",
        "active_trader",
    }
)
_FIELDS = tuple(field.attname for field in User._meta.concrete_fields if field.attname in _NEEDED)


def principal(*, claims: Access) -> User:
    """The user behind an access token, without a query while he is remembered.

    A real User whose other fields load on first use. Raises TokenRefused.
    """
    user_id = claims.user_id
    client = redis_client()
    try:
        found, epoch, revoked, family_revoked = client.mget(
            f"principal:{user_id}",
            f"principal-epoch:{user_id}",
            f"revoked:{user_id}",
            f"revoked-family:{claims.family_id}",
        )
    except redis.RedisError as error:
        logger.warning("redis is down, reading user %s from the database: %s", user_id, error)
        return _checked(_read(user_id=user_id, family_id=claims.family_id), claims)
    if family_revoked is not None or (revoked is not None and claims.version < int(revoked)):
        raise TokenRefused("The token has been revoked.", code="token_revoked")
    known = int(epoch or 0)
    if found is not None:
        stored_epoch, values, household_ids = orjson.loads(found)
        remembered = _user(values, household_ids)
        if stored_epoch == known and remembered.token_version >= claims.version:
            return _checked(remembered, claims)
    user = _checked(_read(user_id=user_id, family_id=claims.family_id), claims)
    _remember(client, user=user, epoch=known)
    return user


def _remember(client: "redis.Redis", *, user: User, epoch: int) -> None:
    values = [getattr(user, name) for name in _FIELDS]
    payload = orjson.dumps([epoch, values, list(user.known_household_ids or ())])
    try:
        client.set(f"principal:{user.pk}", payload, ex=PRINCIPAL_TTL_S)
    except redis.RedisError as error:
        logger.warning("redis is down, user %s not remembered: %s", user.pk, error)


def _user(values: Sequence[Any], household_ids: Sequence[int]) -> User:
    user = User.from_db("default", _FIELDS, values)
    user.public_id = UUID(str(user.public_id))
    user.known_household_ids = household_ids
    return user


def _read(*, user_id: int, family_id: str) -> User | None:
    user = User.objects.only(*_FIELDS).filter(pk=user_id).first()
    if user is None:
        return None
    user.known_household_ids = visible_household_ids(user=user)
    if not TokenFamily.objects.filter(pk=family_id, user=user, revoked_at=None).exists():
        raise TokenRefused("The token has been revoked.", code="token_revoked")
    return user


def _checked(user: User | None, claims: Access) -> User:
    if user is None or not user.is_active:
        raise TokenRefused("The account does not exist or is closed.", code="account_closed")
    if user.token_version != claims.version or str(user.public_id) != claims.public_id:
        raise TokenRefused("The token has been revoked.", code="token_revoked")
    return user


def visible_household_ids(*, user: User) -> list[int]:
    """The household of the user first, then those that granted him access as an adviser."""
    if user.role != Role.ADVISER:
        return [user.household_id]
    linked = AdviserLink.objects.filter(adviser=user).order_by("household_id")
    others = linked.exclude(household_id=user.household_id)
    return [user.household_id, *others.values_list("household_id", flat=True)]


def profile(*, user_id: int) -> User:
    """The user with his household, as the profile shows him."""
    return User.objects.select_related("household").get(pk=user_id)


def members(*, household: Household) -> QuerySet[User]:
    """The people of a household, the longest there first."""
    return User.objects.filter(household=household, is_active=True).order_by("id")


def open_invitations(*, user: User) -> QuerySet[Invitation]:
    """Invitations into the user's household that were neither accepted nor taken back."""
    return Invitation.objects.filter(
        household_id=user.household_id, accepted_at=None, revoked_at=None
    ).order_by("-created_at", "-id")


def advisers(*, user: User) -> QuerySet[AdviserLink]:
    """Who may see the user's household as an adviser."""
    return (
        AdviserLink.objects.filter(household_id=user.household_id)
        .select_related("adviser")
        .order_by("-created_at", "-id")
    )
