"""Request and compute rebalances."""

from datetime import datetime

from core.errors import Conflict, InvalidInput
from identity.models import User
from jobs.models import Job, Queue
from jobs.operations import Claim, Ending, announce, complete, enqueue, fail, result_written
from marketdata.models import Asset
from portfolios.prices.rule import FEEDS
from portfolios.queries import targets
from recommendations.engine.options import Options, options_json, options_of
from recommendations.engine.problem import inputs_from_json, inputs_json, without_prices
from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance, result_json
from recommendations.models import Recommendation, RecommendationKind, RecommendationStatus
from recommendations.queries import rebalance_inputs
from stores.database import snapshot
from transactions.models import Account
from transactions.queries import household_account

REBALANCE = "recommendations.rebalance"
_ESTIMATE_S = 2.0


def request_rebalance(*, account: Account, options: Options, user: User, now: datetime) -> Job:
    """Request a rebalance of the account's current ledger; return its job.

    Identical requests share a job while it is active. They also share it for some seconds after it
    was completed, if only public prices and rates have changed since.
    """
    if account.archived_at is not None:
        raise Conflict(
            f"The account {account.name} is archived. Restore it first.", code="account_archived"
        )
    if not targets(account_pk=account.pk).exists():
        raise InvalidInput(
            "The account has no targets. Set them before rebalancing.", code="targets_missing"
        )
    return enqueue(
        kind=REBALANCE,
        queue=Queue.INTERACTIVE,
        user=user,
        household_id=account.household_id,
        subject_id=account.public_id,
        params={**options_json(options), "ledger_version": account.ledger_version},
        now=now,
        estimate_s=_ESTIMATE_S,
        still_true=lambda job: _still_true(job, account, options, now),
    )


def _still_true(job: Job, account: Account, options: Options, now: datetime) -> bool:
    """Return whether the job's undecided recommendation still answers the current problem."""
    known = Recommendation.objects.filter(job=job, status=RecommendationStatus.PROPOSED).first()
    if known is None or known.engine_version != ENGINE_VERSION:
        return False
    with snapshot():
        found = rebalance_inputs(account=account, options=options, now=now)
        # A price of the household's own is a reason for another answer.
        ids = [one.asset_id for one in found.securities if one.price_source in FEEDS]
        public = Asset.objects.filter(public_id__in=ids, household=None)
        asset_ids = {str(public_id) for public_id in public.values_list("public_id", flat=True)}
    assert known.inputs is not None, "what a job computed has its texts"
    then = inputs_from_json(text=known.inputs)
    return without_prices(inputs=then, asset_ids=asset_ids) == without_prices(
        inputs=found, asset_ids=asset_ids
    )


def run_rebalance(*, claim: Claim, now: datetime) -> Recommendation:
    """Compute the claimed rebalance; write recommendation, job and announcement together."""
    inputs_text = _read_inputs(claim, now)
    # Computed from the stored text, as a replay does.
    result = rebalance(inputs=inputs_from_json(text=inputs_text))
    with result_written():
        account = _account(claim)
        row = Recommendation.objects.create(
            account=account,
            job_id=claim.job_id,
            kind=RecommendationKind.REBALANCE,
            engine_version=ENGINE_VERSION,
            inputs=inputs_text,
            result=result_json(result=result),
            created_at=now,
        )
        announce(
            topic="rebalance_complete",
            household_id=account.household_id,
            asked_by_id=claim.requested_by_id,
            dedup_key=f"rebalance:{claim.public_id}:{claim.attempt}",
            payload={
                "job_id": str(claim.public_id),
                "account_id": str(account.public_id),
                "account_name": account.name,
                "recommendation_id": str(row.public_id),
                "trades": len(result.trades),
            },
            now=now,
        )
        complete(claim=claim, result={"recommendation_id": str(row.public_id)})
    return row


def fail_rebalance(claim: Claim, ending: Ending, now: datetime) -> None:
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
        inputs = rebalance_inputs(account=account, options=options_of(claim.params), now=now)
    return inputs_json(inputs=inputs)


def _account(claim: Claim) -> Account:
    assert claim.household_id is not None, "a rebalance belongs to a household"
    return household_account(household_id=claim.household_id, public_id=claim.subject_id)
