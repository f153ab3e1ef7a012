"""Published strategies of a user, for the tests of every route and for plans."""

from typing import Any

from django.utils import timezone


def listed_strategies(user: Any, count: int) -> None:
    """Publish `count` strategies at one instant, each with a version."""
    from portfolios.models import TargetSet, TargetSetVersion
    from recommendations.models import Strategy, StrategyVersion

    now = timezone.now()
    sets = TargetSet.objects.bulk_create(
        TargetSet(scope="shared", name=f"Core {number}", created_at=now) for number in range(count)
    )
    targets = TargetSetVersion.objects.bulk_create(
        TargetSetVersion(target_set=one, number=1, weights=[], created_at=now) for one in sets
    )
    rows = Strategy.objects.bulk_create(
        Strategy(
            author=user,
            author_name="Author",
            name=one.name,
            risk_profile="growth",
            target_set=one,
            created_at=now,
            updated_at=now,
        )
        for one in sets
    )
    versions = StrategyVersion.objects.bulk_create(
        StrategyVersion(
            strategy=row, number=1, targets=one, rules={}, published_at=now, hash="0" * 64
        )
        for row, one in zip(rows, targets, strict=True)
    )
    for row, version in zip(rows, versions, strict=True):
        row.state, row.published_at, row.current_version = "published", now, version
    Strategy.objects.bulk_update(rows, ["state", "published_at", "current_version"])
