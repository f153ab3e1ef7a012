"""Reads: what a strategy would change in the accounts a user sees, before anything happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from core.errors import BallastError
from identity.models import User
from portfolios.queries import current_weights, followed_targets, weights_for
from recommendations.models import Strategy
from recommendations.strategies.diff import WeightChange, weight_changes
from transactions.models import Account


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What the version in force would change in one account.

    followed_number: the version of this strategy that the account follows, None if it does not.
    refusal: why the account cannot follow the version in force.
    """

    account: Account
    followed_number: int | None
    changes: tuple[WeightChange, ...]
    refusal: BallastError | None


def accounts_following(*, user: User, strategy: Strategy) -> "QuerySet[Account]":
    """Return the accounts the user may see that follow a version of the strategy."""
    if strategy.target_set_id is None:
        return Account.objects.none()
    rows = Account.objects.for_user(user).filter(
        archived_at=None, followed_targets__version__target_set_id=strategy.target_set_id
    )
    return rows.order_by("id")


def changes_in(
    *, strategy: Strategy, accounts: Sequence[Account], as_of: date
) -> list[AccountChange]:
    """Return what the version in force would change in each account. Nothing is written."""
    version = strategy.current_version
    if version is None:
        return []
    wanted = weights_for(accounts=accounts, version=version.targets, as_of=as_of)
    current = current_weights(accounts=accounts)
    followed = followed_targets(account_ids=[account.pk for account in accounts])
    found = []
    for account in accounts:
        new = wanted[account.pk]
        refusal = new if isinstance(new, BallastError) else None
        changes = () if isinstance(new, BallastError) else weight_changes(current[account.pk], new)
        row = followed.get(account.pk)
        follows = row is not None and row.version.target_set_id == strategy.target_set_id
        number = row.version.number if row is not None and follows else None
        found.append(AccountChange(account, number, changes, refusal))
    return found
