"""Request and compute harvests."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.money import plain
from identity.models import User
from jobs.models import Job, Queue
from jobs.operations import Claim, Told, enqueue
from recommendations.engine.options import options_json
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import HARVEST_VERSION, inputs_from_json, inputs_json
from recommendations.harvesting.result import result_json
from recommendations.models import Recommendation, RecommendationKind
from recommendations.operations.account_jobs import account_of, ensure_in_use, recommend
from recommendations.queries import harvest_inputs
from stores.database import snapshot
from transactions.models import Account

HARVEST = "recommendations.harvest"
_ESTIMATE_S = 2.0


def request_harvest(*, account: Account, options: HarvestOptions, user: User, now: datetime) -> Job:
    """Request a harvest of the account's current ledger; return its job.

    Identical requests share a job while it is active.
    """
    ensure_in_use(account)
    return enqueue(
        kind=HARVEST,
        queue=Queue.INTERACTIVE,
        user=user,
        household_id=account.household_id,
        subject_id=account.public_id,
        params={**options_json(options), "ledger_version": account.ledger_version},
        now=now,
        estimate_s=_ESTIMATE_S,
    )


def run_harvest(
    *, claim: Claim, now: datetime, told: Told = lambda percent: None
) -> Recommendation:
    """Compute the claimed harvest; write recommendation, job and announcement together."""
    inputs_text = _read_inputs(claim, now)
    told(20)
    # Computed from the stored text, as a replay does.
    result = harvest(inputs=inputs_from_json(text=inputs_text))
    told(80)
    return recommend(
        claim=claim,
        kind=RecommendationKind.HARVEST,
        engine_version=HARVEST_VERSION,
        inputs=inputs_text,
        result=result_json(result=result),
        told={
            "offers": len(result.offers),
            "net_benefit": plain(result.totals.net_benefit),
            "currency": result.currency,
        },
        now=now,
    )


def _read_inputs(claim: Claim, now: datetime) -> str:
    """Return the canonical inputs, all read in one snapshot."""
    with snapshot():
        account = account_of(claim)
        found = harvest_inputs(accounts=[account], options=_options(claim.params), now=now)
    return inputs_json(inputs=found[account.pk])


def _options(params: Mapping[str, Any]) -> HarvestOptions:
    return HarvestOptions(
        minimum_benefit=Decimal(params["minimum_benefit"]),
        minimum_benefit_percentage=Decimal(params["minimum_benefit_percentage"]),
        minimum_loss=Decimal(params["minimum_loss"]),
        brokerage_fee=Decimal(params["brokerage_fee"]),
        horizon_years=params["horizon_years"],
        discount_percentage=Decimal(params["discount_percentage"]),
        switch_back_gain_percentage=Decimal(params["switch_back_gain_percentage"]),
        without_replacement=params["without_replacement"],
    )
