"""Stored recommendations, for those who may see them."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.errors import Conflict, NotFound
from identity.models import User
from jobs.models import Job
from marketdata.models import Asset
from recommendations.engine.options import options_of
from recommendations.engine.problem import RebalanceInputs, inputs_json
from recommendations.engine.rebalancing import explained, result_json
from recommendations.engine.result import Trade, stored_result
from recommendations.engine.solver import Solution
from recommendations.harvesting.result import stored_harvest
from recommendations.models import (
    NightlyBlock,
    Recommendation,
    RecommendationKind,
    RecommendationStatus,
)
from recommendations.nightly.packing import Tables, account_of, unpacked
from recommendations.queries.columns import QUANTITY_STEPS
from recommendations.queries.market import night_market
from recommendations.queries.night_tables import night_inputs
from transactions.orders.states import Progress
from transactions.queries import account as ledger_account
from transactions.queries.orders import progress_of, tally_of_orders


def recommendations(*, user: User, account_id: UUID | None = None) -> "QuerySet[Recommendation]":
    """Return the recommendations of the accounts a user may see, newest first."""
    rows = (
        Recommendation.objects.for_user(user)
        .select_related("account", "job", "run")
        .defer("job__params", "job__result")
        .annotate(orders_tally=tally_of_orders())
    )
    if account_id is not None:
        rows = rows.filter(account=ledger_account(user=user, public_id=account_id))
    return rows.order_by("-created_at", "-id")


def recommendation(*, user: User, public_id: UUID) -> Recommendation:
    """Return one recommendation, if this user may see it."""
    found = recommendations(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The recommendation does not exist, or you have no access to it.",
            code="recommendation_not_found",
        )
    return found


def progress(row: Recommendation) -> Progress | None:
    """Return how far the trades of an approved recommendation are; None of any other."""
    if row.status != RecommendationStatus.APPROVED:
        return None
    return progress_of(getattr(row, "orders_tally", None))


def trades_of(row: Recommendation) -> tuple[Trade, ...]:
    """Return the trades of a recommendation, of a rebalance or of a harvest."""
    text = texts(row).result
    if row.kind == RecommendationKind.HARVEST:
        return stored_harvest(text).trades
    return stored_result(text).trades


@dataclass(frozen=True, slots=True)
class Texts:
    """The inputs and the result of a recommendation, as canonical JSON."""

    inputs: str
    result: str


def texts(row: Recommendation) -> Texts:
    """Return the texts of a recommendation; those of a night are made from what it kept.

    Raise Conflict if that was deleted, or another version of the engine kept it.
    """
    if row.inputs is not None and row.result is not None:
        return Texts(row.inputs, row.result)
    found = night_texts(row)
    if found is None:
        raise Conflict(
            "What the night kept of this recommendation was deleted. Request a new one.",
            code="recommendation_expired",
        )
    return found


def night_texts(row: Recommendation) -> Texts | None:
    """Return the texts made again from what a night kept; None if it kept nothing packed."""
    run = row.run
    if run is None:
        return None
    block = NightlyBlock.objects.filter(
        run_id=run.pk, first_account_id__lte=row.account_id, last_account_id__gte=row.account_id
    ).first()
    if block is None:
        return None
    try:
        tables = account_of(unpacked(bytes(block.data)), row.account_id)
    except KeyError:
        return None
    currency = tables.accounts[0]["currency"].decode()
    asset_ids = tables.securities["asset_id"].tolist()
    market = night_market(
        run_id=run.pk, asset_ids=asset_ids, currencies=[currency], as_of=run.as_of
    )
    inputs = night_inputs(
        tables=tables,
        market=market,
        options=options_of(run.options),
        engine_version=row.engine_version,
    )
    solution, sold = _orders(tables, inputs)
    result = explained(inputs=inputs, solution=solution, sold=sold)
    return Texts(inputs_json(inputs=inputs), result_json(result=result))


def _orders(tables: Tables, inputs: RebalanceInputs) -> tuple[Solution, dict[int, Decimal]]:
    """Return the orders that were kept, by place, and what the solver proved of them."""
    pks = tables.securities["asset_id"].tolist()
    public_ids = dict(Asset.objects.filter(pk__in=pks).values_list("pk", "public_id"))
    places = {security.asset_id: i for i, security in enumerate(inputs.securities)}
    sold, kept_out = {}, [False] * len(places)
    for row in tables.securities:
        i = places[str(public_ids[int(row["asset_id"])])]
        kept_out[i] = bool(row["no_losses"])
        if row["sold"]:
            sold[i] = Decimal(int(row["sold"])) / QUANTITY_STEPS
    account = tables.accounts[0]
    solution = Solution(
        shares=(0.0,) * len(places),
        without_losses=tuple(kept_out),
        cash=0.0,
        objective=0.0,
        lower_bound=float(account["lower_bound"]),
        cash_price=float(account["cash_price"]),
        nodes=0,
    )
    return solution, sold


def job_result(job: Job) -> dict[str, Any]:
    """Return the result of a rebalance's or a harvest's job, read from its recommendation."""
    row = Recommendation.objects.only("public_id", "result").get(job=job)
    assert row.result is not None, "what a job computed has its texts"
    return {**json.loads(row.result), "recommendation_id": str(row.public_id)}
