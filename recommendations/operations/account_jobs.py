"""What the jobs of one account share: rebalances and harvests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.errors import Conflict
from jobs.operations import Claim, Ending, announce, complete, fail, result_written
from recommendations.models import Recommendation
from transactions.models import Account
from transactions.queries import household_account


def ensure_in_use(account: Account) -> None:
    """Refuse a request for an archived account."""
    if account.archived_at is not None:
        raise Conflict(
            f"The account {account.name} is archived. Restore it first.", code="account_archived"
        )


def account_of(claim: Claim) -> Account:
    """Return the account that a claimed job is about."""
    assert claim.household_id is not None, "a job of an account belongs to a household"
    return household_account(household_id=claim.household_id, public_id=claim.subject_id)


def recommend(
    *,
    claim: Claim,
    kind: str,
    engine_version: str,
    inputs: str,
    result: str,
    told: Mapping[str, Any],
    now: datetime,
) -> Recommendation:
    """Write recommendation, announcement and the end of the job together.

    `told`: what the announcement says beside the account and the recommendation.
    """
    with result_written():
        account = account_of(claim)
        row = Recommendation.objects.create(
            account=account,
            job_id=claim.job_id,
            kind=kind,
            engine_version=engine_version,
            inputs=inputs,
            result=result,
            created_at=now,
        )
        announce(
            topic=f"{kind}_complete",
            household_id=account.household_id,
            asked_by_id=claim.requested_by_id,
            dedup_key=f"{kind}:{claim.public_id}:{claim.attempt}",
            payload={
                "job_id": str(claim.public_id),
                "account_id": str(account.public_id),
                "account_name": account.name,
                "recommendation_id": str(row.public_id),
                **told,
            },
            now=now,
        )
        complete(claim=claim, result={"recommendation_id": str(row.public_id)})
    return row


def fail_account_job(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed and announce that."""
    account = Account.objects.filter(public_id=claim.subject_id).first()
    fail(
        claim=claim,
        code=ending.code,
        detail=ending.detail,
        account_name=account.name if account else "",
        now=now,
    )
