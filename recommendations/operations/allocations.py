"""Keep risk assessments, request and fit models of target weights, and adopt them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import transaction

from core.errors import Conflict
from identity.models import Household, User
from jobs.models import ACTIVE, Queue
from jobs.operations import Claim, Ending, Told, announce, complete, enqueue, fail, result_written
from portfolios.holdings.targets import TargetWeight
from portfolios.operations import set_targets
from recommendations.allocations.fitting import fitted
from recommendations.allocations.problem import ALLOCATION_VERSION, Request, ensure_valid, labels
from recommendations.allocations.questionnaire import METHOD, assessed
from recommendations.allocations.result import result_json, stored_fit
from recommendations.engine.problem import as_json
from recommendations.models import AllocationModel, RiskAssessment
from recommendations.operations.account_jobs import ensure_in_use
from recommendations.queries.allocations import allocation_problem, members_of
from stores.database import snapshot
from stores.locks import locked
from transactions.models import Account

FIT = "recommendations.fit_allocation"
_ESTIMATE_S = 5.0
# Kept for each household; the oldest are dropped.
ASSESSMENTS_KEPT = 200
MODELS_KEPT = 200
FITS_AT_ONCE_MAX = 3
THRESHOLD_DEFAULT = Decimal(5)


def answer_questionnaire(
    *, household: Household, user: User, answers: Mapping[str, str], now: datetime
) -> RiskAssessment:
    """Keep complete answers with the profile they give."""
    found = assessed(answers)
    with transaction.atomic():
        locked(Household.objects.all()).get(pk=household.pk)
        row = RiskAssessment.objects.create(
            household=household,
            answered_by=user,
            method=METHOD,
            answers=dict(answers),
            tolerance=found.tolerance,
            capacity=found.capacity,
            profile=found.profile.name,
            cautions=[as_json(one) for one in found.cautions],
            created_at=now,
        )
        old = RiskAssessment.objects.filter(household=household).order_by("-created_at", "-id")
        RiskAssessment.objects.filter(
            pk__in=list(old.values_list("pk")[ASSESSMENTS_KEPT:])
        ).delete()
    return row


def request_fit(
    *, household: Household, request: Request, user: User, now: datetime
) -> AllocationModel:
    """Request a fit; identical requests share it while it is being computed."""
    ensure_valid(request)
    members_of(household_id=household.pk, symbols=request.symbols)
    with transaction.atomic():
        locked(Household.objects.all()).get(pk=household.pk)
        params = {**as_json(request), "engine_version": ALLOCATION_VERSION}
        job = enqueue(
            kind=FIT,
            queue=Queue.INTERACTIVE,
            user=user,
            household_id=household.pk,
            subject_id=household.public_id,
            params=params,
            now=now,
            estimate_s=_ESTIMATE_S,
        )
        row, made = AllocationModel.objects.get_or_create(
            job=job,
            defaults={
                "public_id": job.public_id,
                "household": household,
                "requested_by": user,
                "model": request.model,
                "request": params,
                "engine_version": ALLOCATION_VERSION,
                "created_at": now,
            },
        )
        if made:
            _ensure_room(household)
    return row


def _ensure_room(household: Household) -> None:
    """Refuse one fit too many at once, and drop the oldest ended ones."""
    rows = AllocationModel.objects.filter(household=household)
    if rows.filter(job__status__in=ACTIVE).count() > FITS_AT_ONCE_MAX:
        raise Conflict(
            f"{FITS_AT_ONCE_MAX} models are being fitted already. Wait for one of them.",
            code="fits_running",
        )
    newest = rows.order_by("-created_at", "-id").values_list("pk", flat=True)
    old = list(newest[MODELS_KEPT:])
    AllocationModel.objects.filter(pk__in=old).exclude(job__status__in=ACTIVE).delete()


def run_fit(*, claim: Claim, now: datetime, told: Told = lambda percent: None) -> AllocationModel:
    """Fit the claimed model; write result, job and announcement together."""
    row = AllocationModel.objects.select_related("household").get(job_id=claim.job_id)
    with snapshot():
        problem = allocation_problem(
            household_id=row.household_id, request=request_of(claim.params), now=now
        )
    told(10)
    text = result_json(fitted(problem, told=told))
    with result_written():
        # Another attempt's result is never replaced: `complete` raises if the job is not ours.
        AllocationModel.objects.filter(pk=row.pk).update(result=text, fitted_at=now)
        announce(
            topic="allocation_complete",
            household_id=row.household_id,
            asked_by_id=claim.requested_by_id,
            dedup_key=f"allocation:{claim.public_id}:{claim.attempt}",
            payload={
                "job_id": str(claim.public_id),
                "model_id": str(row.public_id),
                "model": labels()[row.model],
            },
            now=now,
        )
        complete(claim=claim, result={"model_id": str(row.public_id)})
    row.refresh_from_db()
    return row


def fail_fit(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed and announce that."""
    fail(
        claim=claim,
        code=ending.code,
        detail=ending.detail,
        account_name="",
        now=now,
        about={"model_id": str(claim.public_id)},
    )


def request_of(params: Mapping[str, Any]) -> Request:
    """Return the request that a job or a stored model was made for."""
    known = {name: value for name, value in params.items() if name != "engine_version"}
    return msgspec.convert(known, Request, strict=False)


def targets_of(row: AllocationModel, *, threshold: Decimal) -> list[TargetWeight]:
    """Return what adopting a fitted model would set, the largest first, without zeros.

    Raise Conflict if it is not fitted.
    """
    if row.result is None:
        raise Conflict(
            "The model is not fitted, so it has no weights. Wait for its job, or fit it again.",
            code="allocation_not_fitted",
        )
    return [
        TargetWeight(line.symbol, line.target_percentage, threshold)
        for line in stored_fit(row.result).lines
        if line.target_percentage
    ]


def adopt(
    *, row: AllocationModel, account: Account, threshold: Decimal = THRESHOLD_DEFAULT
) -> list[TargetWeight]:
    """Make the weights of a fitted model the targets of an account of its household."""
    ensure_in_use(account)
    if account.household_id != row.household_id:
        raise Conflict(
            "The account belongs to another household than the model. Fit a model there.",
            code="allocation_of_another_household",
        )
    weights = targets_of(row, threshold=threshold)
    set_targets(account=account, weights=weights)
    return weights
