"""Request and compute rebalances."""

from collections.abc import Collection
from datetime import datetime

from core.errors import InvalidInput
from identity.models import User
from jobs.models import Job, Queue
from jobs.operations import Claim, Told, enqueue
from marketdata.models import Asset
from portfolios.prices.rule import FEEDS
from portfolios.queries import targets
from recommendations.engine.options import Options, options_json, options_of
from recommendations.engine.problem import inputs_from_json, inputs_json, without_prices
from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance, result_json
from recommendations.models import Recommendation, RecommendationKind, RecommendationStatus
from recommendations.operations.account_jobs import account_of, ensure_in_use, recommend
from recommendations.queries import rebalance_inputs
from stores.database import snapshot
from transactions.models import Account
from transactions.queries import holdings

REBALANCE = "recommendations.rebalance"
_ESTIMATE_S = 2.0


def request_rebalance(*, account: Account, options: Options, user: User, now: datetime) -> Job:
    """Request a rebalance of the account's current ledger; return its job.

    Identical requests share a job while it is active. They also share it for some seconds after it
    was completed, if only public prices and rates have changed since.
    """
    ensure_in_use(account)
    if not targets(account_pk=account.pk).exists():
        raise InvalidInput(
            "The account has no targets. Set them before rebalancing.", code="targets_missing"
        )
    _ensure_in_account(account, options.leave_out)
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


def _ensure_in_account(account: Account, symbols: Collection[str]) -> None:
    """Refuse to leave out what the account neither holds nor wants."""
    if not symbols:
        return
    known = {row.asset.symbol for row in holdings(account_ids=[account.pk])}
    known |= {row.asset.symbol for row in targets(account_pk=account.pk) if row.asset}
    unknown = sorted(set(symbols) - known)
    if unknown:
        raise InvalidInput(
            f"These symbols are neither held nor targeted: {', '.join(unknown)}. Leave out only "
            "symbols of the account.",
            code="symbol_not_in_account",
            fields={"leave_out": [f"{symbol} is not in the account" for symbol in unknown]},
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


def run_rebalance(
    *, claim: Claim, now: datetime, told: Told = lambda percent: None
) -> Recommendation:
    """Compute the claimed rebalance; write recommendation, job and announcement together."""
    inputs_text = _read_inputs(claim, now)
    told(20)
    # Computed from the stored text, as a replay does.
    result = rebalance(inputs=inputs_from_json(text=inputs_text))
    told(80)
    return recommend(
        claim=claim,
        kind=RecommendationKind.REBALANCE,
        engine_version=ENGINE_VERSION,
        inputs=inputs_text,
        result=result_json(result=result),
        told={"trades": len(result.trades)},
        now=now,
    )


def _read_inputs(claim: Claim, now: datetime) -> str:
    """Return the canonical inputs, all read in one snapshot."""
    with snapshot():
        account = account_of(claim)
        inputs = rebalance_inputs(account=account, options=options_of(claim.params), now=now)
    return inputs_json(inputs=inputs)
