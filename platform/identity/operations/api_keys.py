"""API keys: make, use, revoke. A key is shown once; its hash is stored."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string

from core.errors import Conflict, InvalidInput, NotFound
from core.limits import API_KEY_ACCOUNTS_MAX, API_KEYS_MAX
from identity.key_rules import SCOPES
from identity.models import ApiKey, User
from identity.operations.security_events import note
from identity.origins import Origin
from identity.queries import api_keys
from identity.secrets_kept import api_key_hash, new_api_key
from stores.locks import locked

# A key in use writes its last use at most this often.
_USE_NOTED = timedelta(minutes=1)


def make_key(
    *,
    user: User,
    name: str,
    scopes: Collection[str],
    account_ids: Sequence[UUID] | None,
    expires_at: datetime | None,
    now: datetime,
    origin: Origin,
) -> tuple[ApiKey, str]:
    """Return a new key of the user, and its text, which is stored nowhere."""
    _check(scopes, expires_at, now)
    accounts = _seen(user, account_ids) if account_ids is not None else None
    text, prefix = new_api_key()
    with transaction.atomic():
        locked(User.objects.all()).get(pk=user.pk)
        if api_keys(user=user).count() >= API_KEYS_MAX:
            raise Conflict(
                f"There are {API_KEYS_MAX} keys already. Revoke one first.", code="too_many_keys"
            )
        key = ApiKey.objects.create(
            user_id=user.pk,
            name=name,
            prefix=prefix,
            key_hash=api_key_hash(text),
            scopes=[scope for scope in SCOPES if scope in scopes],
            account_ids=accounts,
            created_at=now,
            expires_at=expires_at,
        )
        _note(user, "key_created", key, now, origin)
    return key, text


def revoke_key(*, user: User, key_id: UUID, now: datetime, origin: Origin) -> None:
    """End a key of the user at once; raise NotFound if it is not theirs or has ended."""
    with transaction.atomic():
        key = locked(ApiKey.objects.filter(user_id=user.pk, public_id=key_id, revoked_at=None))
        found = key.first()
        if found is None:
            raise NotFound("The key does not exist. Reload the list.", code="key_not_found")
        found.revoked_at = now
        found.save(update_fields=["revoked_at"])
        _note(user, "key_revoked", found, now, origin)


def used_key(*, text: str, now: datetime, origin: Origin) -> ApiKey | None:
    """Return the key of a request if it stands, and note its use."""
    key = (
        ApiKey.objects.select_related("user")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now), key_hash=api_key_hash(text))
        .filter(revoked_at=None)
        .first()
    )
    if key is None or not key.user.may_log_in:
        return None
    if key.last_used_at is None or key.last_used_at < now - _USE_NOTED:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now, last_used_address=origin.address)
    return key


def end_keys(*, user_id: int, now: datetime) -> None:
    """Revoke every key of a user whose password was reset."""
    for key in locked(ApiKey.objects.filter(user_id=user_id, revoked_at=None)):
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])


def _check(scopes: Collection[str], expires_at: datetime | None, now: datetime) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(
            f"Choose at least one scope of {', '.join(SCOPES)}.",
            code="scope_unknown",
            fields={"scopes": ["are not known"]},
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(
            "The key would have expired already. Choose a later time.",
            code="expiry_in_past",
            fields={"expires_at": ["is in the past"]},
        )


def _seen(user: User, account_ids: Sequence[UUID]) -> list[UUID]:
    """Return the accounts, all of which the user must be able to see."""
    wanted = list(dict.fromkeys(account_ids))
    if not wanted or len(wanted) > API_KEY_ACCOUNTS_MAX:
        raise InvalidInput(
            f"Name 1 to {API_KEY_ACCOUNTS_MAX} accounts, or leave them out.",
            code="accounts_invalid",
            fields={"account_ids": ["must be 1 or more"]},
        )
    # `transactions`, which has the accounts, stands above this room.
    seen = import_string(settings.ACCOUNTS_SEEN)(user=user, public_ids=wanted)
    if set(wanted) - set(seen):
        raise NotFound(
            "The account does not exist, or you have no access to it.", code="account_not_found"
        )
    return wanted


def _note(user: User, kind: str, key: ApiKey, now: datetime, origin: Origin) -> None:
    note(
        kind=kind,
        user=user,
        household_id=user.household_id,
        now=now,
        origin=origin,
        details={"key_name": key.name, "prefix": key.prefix, "scopes": key.scopes},
    )
