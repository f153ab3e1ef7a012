"""Targets and restrictions as they stand."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Q, QuerySet

from core.money import plain
from portfolios.models import Restriction, Target

# The symbol under which the cash share of a portfolio is given and shown.
CASH_SYMBOL = "CASH"


def targets(*, account_pk: int) -> "QuerySet[Target]":
    """Target weights of an account, largest first."""
    return (
        Target.objects.filter(account_id=account_pk)
        .select_related("asset")
        .order_by("-target_percentage", "id")
    )


def target_rows(*, targets: Iterable[Target]) -> list[dict[str, object]]:
    """Targets in the words of the API."""
    return [
        {
            "symbol": target.asset.symbol if target.asset else CASH_SYMBOL,
            "target_percentage": plain(target.target_percentage),
            "rebalance_threshold": plain(target.rebalance_threshold),
        }
        for target in targets
    ]


def restrictions(*, account_pk: int, as_of: date | None = None) -> "QuerySet[Restriction]":
    """Restrictions of an account; with `as_of` only those still in force on that day."""
    rows = Restriction.objects.filter(account_id=account_pk).select_related("asset")
    if as_of is not None:
        rows = rows.filter(Q(until_date=None) | Q(until_date__gte=as_of))
    return rows.order_by("asset_id")
