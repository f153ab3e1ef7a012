"""Request and compute harvests."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.errors import Conflict
from core.money import plain
from identity.models import User
from jobs.models import Job, Queue
from jobs.operations import Claim, Ending, announce, complete, enqueue, fail, result_written
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import HARVEST_VERSION, inputs_from_json, inputs_json
from recommendations.harvesting.result import result_json
from recommendations.models import Recommendation, RecommendationKind
from recommendations.queries import harvest_inputs
from stores.database import snapshot
from transactions.models import Account
from transactions.queries import household_account

HARVEST = "recommendations.harvest"
_ESTIMATE_S = 2.0


def request_harvest(*, account: Account, options: HarvestOptions, user: User, now: datetime) -> Job:
    """Request a harvest of the account's current ledger; return its job.

    Identical requests share a job while it is active.
    """
    if account.archived_at is not None:
        raise Conflict(
            f"The account {account.name} is archived. Restore it first.", code="account_archived"
        )
    stated = {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in asdict(options).items()
    }
    return enqueue(
        kind=HARVEST,
        queue=Queue.INTERACTIVE,
        user=user,
        household_id=account.household_id,
        subject_id=account.public_id,
        params={**stated, "ledger_version": account.ledger_version},
        now=now,
        estimate_s=_ESTIMATE_S,
    )


def run_harvest(*, claim: Claim, now: datetime) -> Recommendation:
    """Compute the claimed harvest; write recommendation, job and announcement together."""
    inputs_text = _read_inputs(claim, now)
    # Computed from the stored text, as a replay does.
    result = harvest(inputs=inputs_from_json(text=inputs_text))
    with result_written():
        account = _account(claim)
        row = Recommendation.objects.create(
            account=account,
            job_id=claim.job_id,
            kind=RecommendationKind.HARVEST,
            engine_version=HARVEST_VERSION,
            inputs=inputs_text,
            result=result_json(result=result),
            created_at=now,
        )
        announce(
            topic="harvest_complete",
            household_id=account.household_id,
            asked_by_id=claim.requested_by_id,
            dedup_key=f"harvest:{claim.public_id}:{claim.attempt}",
            payload={
                "job_id": str(claim.public_id),
                "account_id": str(account.public_id),
                "account_name": account.name,
                "recommendation_id": str(row.public_id),
                "offers": len(result.offers),
                "net_benefit": plain(result.totals.net_benefit),
                "currency": result.currency,
            },
            now=now,
        )
        complete(claim=claim, result={"recommendation_id": str(row.public_id)})
    return row


def fail_harvest(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed and announce that."""
    account = Account.objects.filter(public_id=claim.subject_id).first()
    fail(
        claim=claim,
        code=ending.code,
        detail=ending.detail,
        account_name=account.name if account else "",
        now=now,
    )


def _read_inputs(claim: Claim, now: datetime) -> str:
    """Return the canonical inputs, all read in one snapshot."""
    with snapshot():
        account = _account(claim)
        found = harvest_inputs(accounts=[account], options=_options(claim.params), now=now)
    return inputs_json(inputs=found[account.pk])


def _account(claim: Claim) -> Account:
    assert claim.household_id is not None, "a harvest belongs to a household"
    return household_account(household_id=claim.household_id, public_id=claim.subject_id)


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
