"""Read users and their access rights; Redis caches both for a minute.

    MGET principal:<id> access-epoch:<id> ended-family:<fam>      one round trip

A cached principal carries the user's `access_epoch` as it was read. A change of rights raises the
epoch in the same transaction and publishes it after the commit, so a principal with a lower epoch
than the published one is void. That holds for a slow reader too: it stores the old epoch.
If Redis is down, the database answers: users stay logged in, and rights are still checked.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import redis
from django.db import connection
from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import (
    AccountantLink,
    AdviserLink,
    ApiKey,
    Authenticator,
    Household,
    Invitation,
    Passkey,
    RecoveryCode,
    Role,
    SecurityEvent,
    TokenFamily,
    User,
    household_ids,
)
from identity.socket_rights import Right
from identity.token_signing import Access, TokenRefused
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

PRINCIPAL_TTL_S = 60

# The user's fields that a request needs; the others load on first use. They are in the order of the
# model's columns, because `from_db` assigns the values in that order.
_NEEDED = frozenset(
    {
        "id",
        "public_id",
        "household_id",
        "role",
        "token_version",
        "access_epoch",
        "is_active",
        "is_demo",
        "is_staff",
        "is_superuser",
        "active_trader",
    }
)
_FIELDS = tuple(field.attname for field in User._meta.concrete_fields if field.attname in _NEEDED)


def principal(*, claims: Access) -> User:
    """Return the user behind an access token, without a query while they are cached.

    It is a real User whose other fields load on first use. Raises TokenRefused.
    """
    user_id = claims.user_id
    client = redis_client()
    try:
        found, epoch, family_ended = client.mget(
            keys.principal(user_id),
            keys.access_epoch(user_id),
            keys.ended_family(claims.family_id),
        )
    except redis.RedisError as error:
        logger.warning("Redis is down, reading user %s from the database: %s", user_id, error)
        return _checked(_read(user_id=user_id, family_id=claims.family_id), claims)
    if family_ended is not None:
        raise TokenRefused("The token has been revoked.", code="token_revoked")
    if found is not None:
        values, household_ids = orjson.loads(found)
        cached = _user(values, household_ids)
        if cached.access_epoch >= int(epoch or 0) and cached.token_version >= claims.version:
            return _checked(cached, claims)
    user = _checked(_read(user_id=user_id, family_id=claims.family_id), claims)
    _remember(client, user)
    return user


def _remember(client: "redis.Redis", user: User) -> None:
    values = [getattr(user, name) for name in _FIELDS]
    payload = orjson.dumps([values, list(user.known_household_ids or ())])
    try:
        client.set(keys.principal(user.pk), payload, ex=PRINCIPAL_TTL_S)
    except redis.RedisError as error:
        logger.warning("Redis is down, user %s is not cached: %s", user.pk, error)


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
    if user is None or not user.may_log_in:
        raise TokenRefused("The account does not exist or is closed.", code="account_closed")
    if user.token_version != claims.version or str(user.public_id) != claims.public_id:
        raise TokenRefused("The token has been revoked.", code="token_revoked")
    return user


def visible_household_ids(*, user: User) -> list[int]:
    """Return the user's household, then the households they advise."""
    if user.role != Role.ADVISER:
        return [user.household_id]
    linked = AdviserLink.objects.filter(adviser=user).order_by("household_id")
    others = linked.exclude(household_id=user.household_id)
    return [user.household_id, *others.values_list("household_id", flat=True)]


def profile(*, user_id: int) -> User:
    """Return the user with their household; raises TokenRefused when they were deleted."""
    user = User.objects.select_related("household").filter(pk=user_id).first()
    if user is None:
        raise TokenRefused("The account does not exist or is closed.", code="account_closed")
    return user


def second_factor(*, user: User) -> dict[str, Any]:
    """Return which second factors a user has, and how many recovery codes are left."""
    return {
        "totp": Authenticator.objects.filter(user_id=user.pk, confirmed_at__isnull=False).exists(),
        "passkeys": Passkey.objects.filter(user_id=user.pk).count(),
        "recovery_codes_left": RecoveryCode.objects.filter(user_id=user.pk, used_at=None).count(),
    }


def api_keys(*, user: User) -> QuerySet[ApiKey]:
    """Return the user's keys that were not revoked, the newest first."""
    return ApiKey.objects.filter(user_id=user.pk, revoked_at=None).order_by("-id")


def passkeys(*, user: User) -> QuerySet[Passkey]:
    """Return the user's passkeys, the newest first."""
    return Passkey.objects.filter(user_id=user.pk).order_by("-id")


def passkey(*, user: User, public_id: UUID) -> Passkey:
    """Return a passkey of the user; raise NotFound if it is not theirs."""
    found = passkeys(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("The passkey does not exist. Reload the list.", code="passkey_not_found")
    return found


def security_events(*, user: User) -> QuerySet[SecurityEvent]:
    """Return the security trail of the user's household, the newest first."""
    return (
        SecurityEvent.objects.filter(household_id=user.household_id)
        .select_related("user", "actor")
        .order_by("-created_at", "-id")
    )


def event_seen(*, event: SecurityEvent, user: User) -> dict[str, Any]:
    """Return an entry as this user may see it: where others log in from is theirs alone."""
    own = user.pk in (event.user_id, event.actor_id)
    return {
        "id": event.public_id,
        "kind": event.kind,
        "created_at": event.created_at,
        "user": event.user.email if event.user else None,
        "actor": event.actor.email if event.actor else None,
        "address": event.address if own else "",
        "device": event.device if own else "",
        "details": event.details,
    }


def household_seen(
    *, user: User, public_id: UUID | None, among: "QuerySet[Household] | None" = None
) -> Household:
    """Return the named household, or the user's own; NotFound unless the user may see it.

    `among`: the households to search, as a query with the relations the caller needs.
    """
    rows = Household.objects.all() if among is None else among
    wanted = {"pk": user.household_id} if public_id is None else {"public_id": public_id}
    found = rows.filter(pk__in=household_ids(user), **wanted).first()
    if found is None:
        raise NotFound(
            "The household does not exist, or you have no access to it.", code="household_not_found"
        )
    return found


def members(*, household: Household) -> QuerySet[User]:
    """Return the active users of a household, the first registered first."""
    return User.objects.filter(household=household, is_active=True).order_by("id")


def open_invitations(*, user: User) -> QuerySet[Invitation]:
    """Return the open invitations into the user's household."""
    return Invitation.objects.filter(
        household_id=user.household_id, accepted_at=None, revoked_at=None
    ).order_by("-created_at", "-id")


def advisers(*, user: User) -> QuerySet[AdviserLink]:
    """Return the adviser links of the user's household."""
    return (
        AdviserLink.objects.filter(household_id=user.household_id)
        .select_related("adviser")
        .order_by("-created_at", "-id")
    )


def accountants(*, user: User, now: datetime) -> QuerySet[AccountantLink]:
    """Return who may read tax years of the user's household now."""
    return (
        AccountantLink.objects.filter(household_id=user.household_id, ends_at__gt=now)
        .select_related("accountant")
        .order_by("-created_at", "-id")
    )


def kept_books(*, user: User, now: datetime) -> QuerySet[AccountantLink]:
    """Return the households whose taxes this accountant may read now, with their years.

    Read from the database for every request, so that the end of an access holds at once.
    """
    rows = AccountantLink.objects.filter(accountant_id=user.pk, ends_at__gt=now)
    if user.role != Role.ACCOUNTANT:
        rows = rows.none()
    return rows.select_related("household").order_by("-created_at", "-id")


def kept_book(*, user: User, household_id: UUID, year: int, now: datetime) -> AccountantLink:
    """Return the accountant's access to a tax year of a household, or raise NotFound."""
    found = kept_books(user=user, now=now).filter(household__public_id=household_id).first()
    if found is None or year not in found.years:
        raise NotFound(
            "The household does not exist, or you have no access to this tax year.",
            code="household_not_found",
        )
    return found


_ENDED_USERS = """
SELECT held.user_id, held.epoch
  FROM unnest(string_to_array(%s, ',')::bigint[], string_to_array(%s, ',')::bigint[])
       AS held(user_id, epoch)
 WHERE NOT EXISTS (SELECT 1 FROM identity_user u
                    WHERE u.id = held.user_id AND u.access_epoch = held.epoch AND u.is_active)
"""
_ENDED_TOKENS = """
SELECT held.family::text
  FROM unnest(string_to_array(%s, ',')::uuid[]) AS held(family)
 WHERE NOT EXISTS (SELECT 1 FROM identity_tokenfamily f
                    WHERE f.id = held.family AND f.revoked_at IS NULL)
"""
_ENDED_SESSIONS = """
SELECT held.family
  FROM unnest(string_to_array(%s, ',')) AS held(family)
 WHERE NOT EXISTS (SELECT 1 FROM identity_session s
                    WHERE s.family = held.family AND s.expire_date > now())
"""


def ended_rights(rights: Collection[Right]) -> set[Right]:
    """Return the access rights that have ended according to PostgreSQL.

    Run three statements for any number of rights. Lists are sent as joined text, which costs the
    caller a tenth as much as arrays. Raises DatabaseError.
    """
    users = {(right.user_id, right.epoch) for right in rights}
    sessions = {right.family for right in rights if right.is_of_session}
    tokens = {right.family for right in rights if not right.is_of_session}
    with connection.cursor() as cursor:
        cursor.execute(
            _ENDED_USERS,
            [
                ",".join(str(user_id) for user_id, _ in users),
                ",".join(str(epoch) for _, epoch in users),
            ],
        )
        ended_users = set(cursor.fetchall())
        cursor.execute(_ENDED_TOKENS, [",".join(tokens)])
        ended_families = {family for (family,) in cursor.fetchall()}
        cursor.execute(_ENDED_SESSIONS, [",".join(sessions)])
        ended_families.update(family for (family,) in cursor.fetchall())
    return {
        right
        for right in rights
        if right.family in ended_families or (right.user_id, right.epoch) in ended_users
    }
