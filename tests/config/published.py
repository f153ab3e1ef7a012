"""A strategy of a user, for the tests of every route."""

from typing import Any

from django.apps import apps
from django.utils import timezone

_WEIGHTS = {"rebalance_threshold": "5", "threshold_kind": "absolute"}


def hidden_strategy(user: Any, count: int) -> Any:
    """Return a hidden strategy with `count` versions: its author alone sees it.

    The accounts of the author's household follow its last version.
    """
    from marketdata.models import Asset
    from portfolios.models import FollowedTargets, TargetSet, TargetSetVersion
    from recommendations.models import Strategy, StrategyVersion
    from transactions.models import Account

    now = timezone.now()
    asset = Asset.objects.filter(household=None, tradable=True).order_by("symbol")[0]
    share = {**_WEIGHTS, "symbol": asset.symbol, "asset_id": str(asset.public_id)}
    weights = [{**share, "target_percentage": "100"}]
    rules = {"schedule": "never", "bands": True}
    target_set = TargetSet.objects.create(scope="shared", name="Secret", created_at=now)
    row = Strategy.objects.create(
        author=user,
        author_name="Secret author",
        name="Secret of the house",
        risk_profile="growth",
        target_set=target_set,
        draft_weights=weights,
        draft_rules=rules,
        created_at=now,
        updated_at=now,
    )
    targets = TargetSetVersion.objects.bulk_create(
        TargetSetVersion(target_set=target_set, number=number, weights=weights, created_at=now)
        for number in range(1, count + 1)
    )
    versions = StrategyVersion.objects.bulk_create(
        StrategyVersion(
            strategy=row,
            number=one.number,
            targets=one,
            rules=rules,
            published_at=now,
            previous_hash="" if one.number == 1 else "0" * 64,
            hash="0" * 64,
        )
        for one in targets
    )
    Strategy.objects.filter(pk=row.pk).update(
        state="published", published_at=now, current_version=versions[-1], hidden_at=now
    )
    FollowedTargets.objects.filter(account__household_id=user.household_id).delete()
    FollowedTargets.objects.bulk_create(
        FollowedTargets(account=account, version=targets[-1], since=now)
        for account in Account.objects.filter(household_id=user.household_id)
    )
    events = apps.get_model("portfolios", "FollowedTargetsEvent").objects
    for account in Account.objects.filter(household_id=user.household_id).order_by("id")[:1]:
        events.bulk_create(
            events.model(
                pgh_obj_id=account.pk,
                pgh_label="update",
                account_id=account.pk,
                version=version,
                since=now,
            )
            for version in targets[:-1]
        )
    return row
