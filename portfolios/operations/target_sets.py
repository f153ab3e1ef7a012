"""Writes: the versions of target sets, and which of them an account follows.

    an account's own targets   the next version of its own set
    a version of a shared set  its weights, each class filled by a fund the account may buy

The rows of `Target` are what the account aims at now; every version it ever followed is kept.
"""

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.models.functions import Now

from core.errors import BallastError
from identity.models import User
from marketdata.models import Asset
from portfolios.holdings.target_sets import SetWeight, packed
from portfolios.holdings.targets import RELATIVE
from portfolios.models import (
    FollowedTargets,
    Target,
    TargetSet,
    TargetSetScope,
    TargetSetVersion,
)
from portfolios.queries.target_sets import weights_for
from transactions.models import Account
from transactions.operations.accounts import lock_account, next_version, publish_version


def keep_own(
    *, account: Account, weights: Sequence[SetWeight], user: User | None
) -> TargetSetVersion:
    """Return the version of a locked account's own set with these weights: a new one if needed."""
    own, _ = TargetSet.objects.get_or_create(
        account=account,
        defaults={"scope": TargetSetScope.ACCOUNT, "created_at": Now()},
    )
    rows = packed(weights)
    newest = own.versions.order_by("-number").first()
    if newest is not None and newest.weights == rows:
        return newest
    return TargetSetVersion.objects.create(
        target_set=own,
        number=newest.number + 1 if newest else 1,
        weights=rows,
        created_at=Now(),
        created_by=user,
    )


def place(*, account: Account, weights: Sequence[SetWeight], version: TargetSetVersion) -> None:
    """Make the weights the targets of a locked account, which follows the version from now on."""
    ids = {fund.asset_id for weight in weights for fund in weight.funds}
    assets = {str(row.public_id): row for row in Asset.objects.filter(public_id__in=ids)}
    Target.objects.filter(account=account).delete()
    Target.objects.bulk_create(
        [
            Target(
                account=account,
                asset=assets[weight.funds[0].asset_id] if weight.funds else None,
                target_percentage=weight.target_percentage,
                rebalance_threshold=weight.band,
                relative_threshold=weight.rebalance_threshold
                if weight.threshold_kind == RELATIVE
                else None,
            )
            for weight in weights
        ]
    )
    FollowedTargets.objects.update_or_create(
        account=account, defaults={"version": version, "since": Now()}
    )
    publish_version(account=account, version=next_version(account))


def follow_version(*, account: Account, version: TargetSetVersion, as_of: date) -> Account:
    """Make a version of a shared set, or of the household's, the targets of an account."""
    owner = version.target_set
    assert owner.scope != TargetSetScope.ACCOUNT, "an account's own targets are its own"
    assert owner.household_id in (None, account.household_id), "sets of others are not followed"
    with transaction.atomic():
        locked = lock_account(account=account)
        weights = weights_for(accounts=[locked], version=version, as_of=as_of)[locked.pk]
        if isinstance(weights, BallastError):
            raise weights
        place(account=locked, weights=weights, version=version)
    return locked
