"""Open, rename and lock accounts, and publish their versions to the caches."""

import logging
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import redis
from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.limits import ACCOUNTS_PER_HOUSEHOLD_MAX
from identity.models import Household, User
from identity.operations.households import locked_household
from identity.queries import household_seen
from stores import keys
from stores.locks import locked_in_line
from stores.redis import redis_client
from transactions.cache_keys import VERSION_TTL_S, version_key
from transactions.models import Account, AccountType, LotMethod, Transaction
from transactions.queries.ledger import unknown_account

logger = logging.getLogger(__name__)

# A version only rises: a late writer never replaces a newer one.
_PUBLISH = """
local known = tonumber(redis.call('get', KEYS[1]) or '-1')
if tonumber(ARGV[1]) > known then redis.call('set', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return 1
"""


def open_account(
    *,
    user: User,
    name: str,
    type: str,  # noqa: A002 - the API's word
    currency: str,
    lot_method: str = LotMethod.FIFO,
    now: datetime,
    household_id: UUID | None = None,
    owner_id: UUID | None = None,
    opened_date: date | None = None,
) -> Account:
    """Open an empty account in the user's household, or in a named household they advise.

    The owner is a member of that household, and the owner's tax rates apply. The owner is the
    member named, else the user, else (when an adviser opens it) the member who joined first.
    """
    ensure_type(type)
    ensure_method(lot_method)
    with transaction.atomic():
        seen = household_seen(user=user, public_id=household_id)
        household = locked_household(household_id=seen.pk)
        owner = _owner(household, user, owner_id)
        if Account.objects.filter(household=household, is_sample=True).exists():
            raise Conflict(
                "The household shows sample data. Remove it first, so that it never mixes with "
                "your own accounts.",
                code="sample_present",
            )
        if Account.objects.filter(household=household).count() >= ACCOUNTS_PER_HOUSEHOLD_MAX:
            raise Conflict(
                f"The household has the maximum of {ACCOUNTS_PER_HOUSEHOLD_MAX} accounts. "
                "Delete an unused one.",
                code="too_many_accounts",
            )
        return Account.objects.create(
            household=household,
            owner=owner,
            name=name,
            type=type,
            currency=currency,
            lot_method=lot_method,
            opened_date=opened_date,
            created_at=now,
        )


def _owner(household: Household, user: User, public_id: UUID | None) -> User:
    members = User.objects.filter(household=household, is_active=True).order_by("id")
    if public_id is not None:
        members = members.filter(public_id=public_id)
    elif user.household_id == household.pk:
        members = members.filter(pk=user.pk)
    owner = members.first()
    if owner is None:
        raise InvalidInput(
            "The owner is not a member of the household. Choose a member.",
            code="owner_not_a_member",
            fields={"owner_id": ["is not a member of the household"]},
        )
    return owner


def change_account(
    *, account: Account, name: str | None = None, lot_method: str | None = None
) -> Account:
    """Rename an account or change the lot method of its future sales; past sales keep theirs."""
    with transaction.atomic():
        row = lock_account(account=account)
        if lot_method is not None:
            ensure_method(lot_method)
            row.lot_method = lot_method
        if name is not None:
            row.name = name
        row.save(update_fields=["name", "lot_method"])
        publish_version(account=row, version=next_version(row))
    return row


def restate_account(*, account: Account, name: str, type: str, currency: str) -> Account:  # noqa: A002
    """Change what an account is. Only possible while nothing is recorded in it."""
    ensure_type(type)
    with transaction.atomic():
        row = lock_account(account=account)
        changes = (row.type, row.currency) != (type, currency)
        if changes and Transaction.objects.filter(account=row).exists():
            raise Conflict(
                "The account has transactions, so its type and currency stay as they are. Add "
                "another account instead.",
                code="account_not_empty",
            )
        row.name, row.type, row.currency = name, type, currency
        row.save(update_fields=["name", "type", "currency"])
        publish_version(account=row, version=next_version(row))
    return row


def ensure_type(type: str) -> None:  # noqa: A002
    """Raise InvalidInput if there is no such type of account."""
    if type not in AccountType.values:
        raise InvalidInput(
            f"The account type does not exist. Send one of {', '.join(AccountType.values)}.",
            code="type_unknown",
        )


def lock_account(*, account: Account) -> Account:
    """Lock and return the account's row. Call it before reading anything of its ledger."""
    rows = Account.objects.filter(pk=account.pk)
    found = locked_in_line(rows, household_id=account.household_id)
    if not found:
        raise unknown_account()  # just deleted
    return found[0]


def next_version(account: Account, *, cash_added: Decimal = Decimal(0)) -> int:
    """Raise the ledger version of a locked account, move its cash, and return the version."""
    account.ledger_version += 1
    changed: dict[str, Any] = {"ledger_version": account.ledger_version}
    if cash_added:
        account.cash += cash_added
        changed["cash"] = account.cash
    Account.objects.filter(pk=account.pk).update(**changed)
    return account.ledger_version


def ensure_method(lot_method: str) -> None:
    """Raise InvalidInput if the ledger has no such lot method."""
    if lot_method not in LotMethod.values:
        raise InvalidInput(
            "The lot method does not exist. Send fifo, lifo, hifo, average, min_tax or specific.",
            code="lot_method_unknown",
        )


def publish_version(*, account: Account, version: int) -> None:
    """After the commit, invalidate every cached copy older than `version`."""
    publish_versions([(account, version)])


def publish_versions(versions: Sequence[tuple[Account, int]]) -> None:
    """Publish the versions of many accounts after the commit, in one round trip."""

    def publish() -> None:
        try:
            with redis_client().pipeline(transaction=False) as pipe:
                for account, version in versions:
                    pipe.eval(_PUBLISH, 1, version_key(account.public_id), version, VERSION_TTL_S)
                # A trade may be the only price the household knows, and a split divides others.
                for household_id in {account.household_id for account, _ in versions}:
                    pipe.incr(keys.household_prices(household_id))
                pipe.execute()
        except redis.RedisError:
            # Without Redis, readers read the database. An old copy expires after a minute.
            first, _ = versions[0]
            logger.warning(
                "Redis is down, ledger versions of %s accounts from %s on were not published",
                len(versions),
                first.public_id,
            )

    if versions:
        transaction.on_commit(publish, robust=True)
