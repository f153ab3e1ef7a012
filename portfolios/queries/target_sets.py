"""Reads: a version of a target set as each of some accounts would follow it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet

from core.errors import BallastError, InvalidInput
from marketdata.models import Asset
from portfolios.holdings.target_sets import Fund, SetWeight, filled, unpacked
from portfolios.holdings.targets import ABSOLUTE, RELATIVE, ensure_whole
from portfolios.models import Restriction, RestrictionKind, Target, TargetSetVersion
from transactions.models import Account

_NO_BUY = (RestrictionKind.NO_BUY, RestrictionKind.NO_TRADE)


def weights_for(
    *, accounts: Sequence[Account], version: TargetSetVersion, as_of: date
) -> dict[int, list[SetWeight] | BallastError]:
    """Return by account the weights it would get, its classes filled, or why it cannot follow."""
    weights = unpacked(version.weights)
    ids = {fund.asset_id for weight in weights for fund in weight.funds}
    usable: dict[str, int | None] = {
        str(public_id): household_id
        for public_id, household_id in Asset.objects.filter(
            public_id__in=ids, is_active=True, tradable=True
        ).values_list("public_id", "household_id")
    }
    barred: dict[int, set[str]] = defaultdict(set)
    rows = Restriction.objects.filter(
        Q(until_date=None) | Q(until_date__gte=as_of),
        account__in=[account.pk for account in accounts],
        kind__in=_NO_BUY,
        asset__public_id__in=ids,
    )
    for account_pk, public_id in rows.values_list("account_id", "asset__public_id"):
        barred[account_pk].add(str(public_id))
    found: dict[int, list[SetWeight] | BallastError] = {}
    for account in accounts:
        known = {key for key, owner in usable.items() if owner in (None, account.household_id)}
        try:
            found[account.pk] = _weights(weights, known, barred[account.pk])
        except InvalidInput as refusal:
            found[account.pk] = refusal
    return found


def current_weights(*, accounts: Sequence[Account]) -> dict[int, list[SetWeight]]:
    """Return the targets of each account as weights with their assets, largest first."""
    found: dict[int, list[SetWeight]] = {account.pk: [] for account in accounts}
    rows = Target.objects.filter(account_id__in=list(found)).select_related("asset")
    for row in rows.order_by("-target_percentage", "id"):
        relative = row.relative_threshold
        asset = row.asset
        found[row.account_id].append(
            SetWeight(
                funds=(Fund(str(asset.public_id), asset.symbol),) if asset else (),
                target_percentage=row.target_percentage,
                rebalance_threshold=row.rebalance_threshold if relative is None else relative,
                threshold_kind=ABSOLUTE if relative is None else RELATIVE,
            )
        )
    return found


def target_history(*, account_pk: int) -> "QuerySet[Any]":
    """Return each set and version an account followed, newest first: entries of the audit trail."""
    events: QuerySet[Any] = apps.get_model("portfolios", "FollowedTargetsEvent").objects.all()
    rows = events.filter(account_id=account_pk, pgh_label__in=("insert", "update"))
    return rows.select_related("version__target_set").order_by("-pgh_id")


def _weights(weights: Sequence[SetWeight], known: set[str], barred: set[str]) -> list[SetWeight]:
    def may_buy(fund: Fund) -> bool:
        return fund.asset_id in known and fund.asset_id not in barred

    found = filled(weights, may_buy=may_buy)
    ensure_whole([weight.as_target() for weight in found])
    gone = [one.symbol for one in found if one.funds and one.funds[0].asset_id not in known]
    if gone:
        raise InvalidInput(
            f"These assets cannot be bought or sold: {', '.join(gone)}. Choose another version.",
            code="asset_not_tradable",
            fields={"symbol": [f"{symbol} cannot be bought or sold" for symbol in gone]},
        )
    return found
