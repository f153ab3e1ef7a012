"""Reads: the current targets and restrictions of an account."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Q, QuerySet

from portfolios.holdings.targets import CASH_SYMBOL, RELATIVE, TargetWeight
from portfolios.models import FollowedTargets, Restriction, Target


def targets(*, account_pk: int) -> "QuerySet[Target]":
    """Return the stored targets of an account, largest first."""
    return (
        Target.objects.filter(account_id=account_pk)
        .select_related("asset")
        .order_by("-target_percentage", "id")
    )


def target_weights(*, account_pk: int) -> list[TargetWeight]:
    """Return the target weights of an account, largest first."""
    return [target_weight(row) for row in targets(account_pk=account_pk)]


def target_weight(row: Target) -> TargetWeight:
    """Return a stored target as a value."""
    symbol = row.asset.symbol if row.asset else CASH_SYMBOL
    if row.relative_threshold is not None:
        return TargetWeight(symbol, row.target_percentage, row.relative_threshold, RELATIVE)
    return TargetWeight(symbol, row.target_percentage, row.rebalance_threshold)


def followed_targets(*, account_ids: Iterable[int]) -> dict[int, FollowedTargets]:
    """Return which set and version each account follows; accounts without targets are left out."""
    rows = FollowedTargets.objects.filter(account_id__in=list(account_ids))
    return {row.account_id: row for row in rows.select_related("version__target_set")}


def restrictions(*, account_pk: int, as_of: date | None = None) -> "QuerySet[Restriction]":
    """Return the restrictions of an account; with `as_of`, those still in force on that day."""
    rows = Restriction.objects.filter(account_id=account_pk).select_related("asset")
    if as_of is not None:
        rows = rows.filter(Q(until_date=None) | Q(until_date__gte=as_of))
    return rows.order_by("asset_id")
