"""Reading for the engine, and reading what it recommended."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.dates import instant_text
from core.errors import InvalidInput, NotFound
from identity.models import User
from jobs.models import Job
from marketdata.identity_groups import connected
from marketdata.models import Asset
from marketdata.queries import identity_links
from portfolios.queries import restrictions, targets, unit_values
from recommendations.engine.inputs import (
    WASH_SALE_DAYS,
    AssetFacts,
    Options,
    Rates,
    RestrictionFacts,
    TargetFacts,
    problem,
)
from recommendations.engine.problem import Lot, RebalanceInputs
from recommendations.engine.rebalancing import ENGINE_VERSION
from recommendations.models import Recommendation
from transactions.models import Account, AccountType
from transactions.queries import loss_sales_since, lots_bought_since, open_lots


def rebalance_inputs(*, account: Account, options: Options, now: datetime) -> RebalanceInputs:
    """Everything the engine needs of one account. Call it in a repeatable-read transaction."""
    lots: dict[int, list[Lot]] = {}
    for row in open_lots(account_ids=[account.pk]):
        lots.setdefault(row["asset_id"], []).append(_lot(row))
    wanted = list(targets(account_pk=account.pk))
    if not wanted:
        raise InvalidInput("The account has no targets yet.", code="targets_missing")
    ids = set(lots) | {target.asset_id for target in wanted if target.asset_id is not None}
    since = now - timedelta(days=WASH_SALE_DAYS)
    since = since.replace(hour=0, minute=0, second=0, microsecond=0)
    groups = _groups(household_id=account.household_id)
    assets = _assets(account, ids, groups, now)
    return problem(
        account_id=str(account.public_id),
        as_of=now.date(),
        currency=account.currency,
        cash=account.cash,
        taxable=account.type == AccountType.TAXABLE,
        rates=_rates(account),
        assets=assets,
        lots=lots,
        targets=[
            TargetFacts(row.asset_id, row.target_percentage, row.rebalance_threshold)
            for row in wanted
        ],
        restrictions=[
            RestrictionFacts(row.asset_id, row.kind, row.until_date)
            for row in restrictions(account_pk=account.pk, as_of=now.date())
        ],
        loss_sales=_last_loss_by_group(account, since, groups),
        recent_lots=_recent_lots_by_group(account, since, groups),
        options=options,
        engine_version=ENGINE_VERSION,
    )


def _lot(row: Mapping[str, Any]) -> Lot:
    return Lot(
        lot_id=str(row["lot_id"]),
        quantity=row["quantity"],
        cost_basis=row["cost_basis"],
        opened_date=row["opened_at"].astimezone(UTC).date(),
        holding_period_date=row["holding_period_date"],
    )


def _groups(*, household_id: int) -> dict[int, int]:
    """Asset id to the id its substantially identical group goes by; singles are left out."""
    return connected(links=identity_links(household_ids=[household_id]))


def _assets(
    account: Account, ids: set[int], groups: Mapping[int, int], now: datetime
) -> dict[int, AssetFacts]:
    rows = list(Asset.objects.filter(pk__in=ids).order_by("id"))
    worth = unit_values(assets=rows, currency=account.currency, now=now)
    facts = {}
    for row in rows:
        unit = worth[row.pk]
        facts[row.pk] = AssetFacts(
            asset_id=row.pk,
            public_id=str(row.public_id),
            symbol=row.symbol,
            group_id=groups.get(row.pk, row.pk),
            price=unit.value or None,
            stale=bool(unit.quote and unit.quote.stale),
            half_spread_bp=row.half_spread_bp,
            fractional=row.fractional,
        )
    return facts


def _rates(account: Account) -> Rates:
    owner = account.owner
    return Rates(
        ordinary=owner.federal_ordinary_rate,
        long_term=owner.federal_long_term_rate,
        state=owner.state_rate,
        net_investment_income=owner.net_investment_income_rate,
    )


def _last_loss_by_group(
    account: Account, since: datetime, groups: Mapping[int, int]
) -> dict[int, Any]:
    last: dict[int, Any] = {}
    for row in loss_sales_since(household_id=account.household_id, since=since):
        group = groups.get(row["asset_id"], row["asset_id"])
        day = row["last_sold_at"].astimezone(UTC).date()
        last[group] = max(day, last.get(group, day))
    return last


def _recent_lots_by_group(
    account: Account, since: datetime, groups: Mapping[int, int]
) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for row in lots_bought_since(household_id=account.household_id, since=since):
        group = groups.get(row["asset_id"], row["asset_id"])
        found.setdefault(group, set()).add(str(row["lot_id"]))
    return {group: frozenset(ids) for group, ids in found.items()}


def recommendations(*, user: User, account_id: UUID | None = None) -> "QuerySet[Recommendation]":
    """Recommendations of the accounts a user may see, newest first."""
    rows = (
        Recommendation.objects.for_user(user)
        .select_related("account", "job")
        .defer("job__params", "job__result")
    )
    if account_id is not None:
        account = Account.objects.for_user(user).filter(public_id=account_id).first()
        if account is None:
            raise NotFound("No such account.", code="account_not_found")
        rows = rows.filter(account=account)
    return rows.order_by("-created_at", "-id")


def recommendation(*, user: User, public_id: UUID) -> Recommendation:
    """One recommendation, if this user may see it."""
    found = recommendations(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such recommendation.", code="recommendation_not_found")
    return found


def recommendation_row(row: Recommendation) -> dict[str, object]:
    """A recommendation without its inputs and trades."""
    return {
        "id": str(row.public_id),
        "account_id": str(row.account.public_id),
        "job_id": str(row.job.public_id) if row.job else None,
        "kind": row.kind,
        "status": row.status,
        "engine_version": row.engine_version,
        "created_at": instant_text(row.created_at),
        "decided_at": instant_text(row.decided_at) if row.decided_at else None,
    }


def job_result(job: Job) -> dict[str, Any]:
    """Return the result of a rebalance's job, read from its recommendation."""
    row = Recommendation.objects.only("public_id", "result").get(job=job)
    return {**json.loads(row.result), "recommendation_id": str(row.public_id)}
