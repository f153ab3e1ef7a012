"""Read accounts, transactions, lots and holdings. Each list takes many ids in one query."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from core.errors import NotFound
from identity.models import User
from transactions.models import Account, Holding, Lot, Transaction


def account(*, user: User, public_id: UUID) -> Account:
    """Return the account with a public id; raise NotFound if this user may not see it."""
    return _found(Account.objects.for_user(user), public_id)


def accounts_seen(*, user: User, public_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these accounts the user may see."""
    rows = Account.objects.for_user(user).filter(public_id__in=public_ids)
    return set(rows.values_list("public_id", flat=True))


def account_with_owner(*, user: User, public_id: UUID) -> Account:
    """Return the account, its household and its owner in one query."""
    return _found(accounts(user=user, archived=None), public_id)


def household_account(*, household_id: int, public_id: UUID) -> Account:
    """Return an account of a household and its owner, for jobs whose access is already checked."""
    rows = Account.objects.filter(household_id=household_id).select_related("owner")
    return _found(rows, public_id)


def _found(rows: "QuerySet[Account]", public_id: UUID) -> Account:
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise unknown_account()
    return found


def unknown_account() -> NotFound:
    """Return the refusal of an account that does not exist or that the user may not see."""
    return NotFound("No such account.", code="account_not_found")


def accounts(*, user: User, archived: bool | None = False) -> "QuerySet[Account]":
    """Return the accounts a user may see with their households and owners, oldest first.

    `archived` False: the open ones; True: the archived ones; None: all of them.
    """
    rows = Account.objects.for_user(user).select_related("household", "owner").order_by("id")
    return rows if archived is None else rows.filter(archived_at__isnull=not archived)


# A reversal or a transaction that was reversed; a corrected one was, too.
IN_REVERSED_PAIR = Q(reverses__isnull=False) | Q(reversed_by__isnull=False)


def transactions(
    *,
    user: User,
    account_id: UUID | None = None,
    reversed: bool | None = None,  # noqa: A002 - the API's word
) -> "QuerySet[Transaction]":
    """Return transactions, newest first by (executed_at, id), with related rows, in one query.

    `reversed` False: without reversed ones and their reversals; True: only these; None: all.
    """
    rows = Transaction.objects.for_user(user).select_related(
        *("account", "asset", "new_asset", "reverses", "reversed_by", "counterpart", "taken_by"),
        *("corrects", "corrected_by"),
    )
    if account_id is not None:
        rows = rows.filter(account=account(user=user, public_id=account_id))
    if reversed is not None:
        rows = rows.filter(IN_REVERSED_PAIR) if reversed else rows.exclude(IN_REVERSED_PAIR)
    return rows.order_by("-executed_at", "-id")


def transaction_row(*, user: User, public_id: UUID) -> Transaction:
    """Return one transaction, if this user may see it."""
    row = transactions(user=user).filter(public_id=public_id).first()
    if row is None:
        raise NotFound(
            "The transaction does not exist, or you have no access to it.",
            code="transaction_not_found",
        )
    return row


def lots(*, account: Account, symbol: str | None = None, closed: bool = False) -> "QuerySet[Lot]":
    """Return an account's open lots by asset and age; with `closed`, return all its lots."""
    rows = Lot.objects.filter(account=account).select_related("asset", "transaction")
    if not closed:
        rows = rows.filter(quantity__gt=0)
    if symbol is not None:
        rows = rows.filter(asset__symbol=symbol)
    return rows.order_by("asset_id", "opened_at", "transaction_id", "piece")


def holdings(*, account_ids: Iterable[int]) -> "QuerySet[Holding]":
    """Return the holdings of many accounts with their assets."""
    return (
        Holding.objects.filter(account_id__in=list(account_ids))
        .select_related("asset")
        .order_by("account_id", "asset_id")
    )
