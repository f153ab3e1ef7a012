"""Jobs of rebalances and harvests followed; recommendations shown and decided on."""

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.db.models import BooleanField, ExpressionWrapper
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from core.errors import BallastError, InvalidInput, NotFound
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import inside
from dashboard.presenters.harvests import at_a_loss, figures
from dashboard.presenters.relaxations import relaxations
from dashboard.presenters.results import (
    before_and_after,
    in_order,
    limit_lines,
    outside,
    turnover,
)
from dashboard.queries import without_trades
from edge.pagination import keyset_page
from jobs.models import ACTIVE, Job, JobStatus
from jobs.operations import cancel
from jobs.queries import job as job_of
from recommendations import operations, queries
from recommendations.engine.result import RebalanceResult, stored_result
from recommendations.harvesting.result import stored_harvest
from recommendations.models import Recommendation, RecommendationKind, RecommendationStatus
from transactions import queries as ledger
from transactions.models import Account

ROWS_SHOWN = 50
_DECISIONS = {
    "approved": RecommendationStatus.APPROVED,
    "rejected": RecommendationStatus.REJECTED,
}


@for_investors("GET")
def rebalance_job(request: SignedIn, account_id: UUID, job_id: UUID) -> HttpResponse:
    """Show the progress of a rebalance; redirect to the recommendation once it is finished."""
    job = _job(request, account_id, job_id)
    if job.status == JobStatus.COMPLETED:
        return redirect(_result_address(account_id, job))
    account = ledger.account(user=request.user, public_id=account_id)
    return shown(
        request,
        "rebalance",
        _progress(account, job),
    )


@for_investors("GET")
def rebalance_progress(request: SignedIn, account_id: UUID, job_id: UUID) -> HttpResponse:
    """Return the card that polls every second until the job has ended."""
    job = _job(request, account_id, job_id)
    if job.status == JobStatus.COMPLETED:
        return HttpResponseClientRedirect(_result_address(account_id, job))
    account = ledger.account(user=request.user, public_id=account_id)
    return shown(request, "_progress", _progress(account, job))


def _progress(account: Account, job: Job) -> dict[str, object]:
    return {
        "account": account,
        "job": job,
        "active": job.status in ACTIVE,
        "harvest": job.kind == operations.HARVEST,
        "relaxations": relaxations(job.params, job.error) if job.error else (),
    }


@for_investors("POST")
def rebalance_cancel(request: SignedIn, account_id: UUID, job_id: UUID) -> HttpResponse:
    """Cancel an unfinished rebalance."""
    job = _job(request, account_id, job_id)
    try:
        cancel(job=job)
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    return redirect("rebalance_job", account_id, job_id)


def _job(request: SignedIn, account_id: UUID, job_id: UUID) -> Job:
    job = job_of(user=request.user, public_id=job_id)
    if job.subject_id != account_id or job.kind not in (operations.REBALANCE, operations.HARVEST):
        raise NotFound("No such job.", code="job_not_found")
    return job


def _result_address(account_id: UUID, job: Job) -> str:
    assert job.result is not None, "a completed job has its result"
    return reverse("recommendation", args=[account_id, job.result["recommendation_id"]])


@for_investors("GET")
def recommendations(request: SignedIn, account_id: UUID) -> HttpResponse:
    """List the recommendations for an account, newest first."""
    account = ledger.account(user=request.user, public_id=account_id)
    rows, following = keyset_page(
        queries.recommendations(user=request.user, account_id=account_id)
        .annotate(nothing=ExpressionWrapper(without_trades(), output_field=BooleanField()))
        .defer("inputs", "result"),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=ROWS_SHOWN,
    )
    return shown(
        request,
        "recommendations",
        {
            "account": account,
            "rows": [(row, queries.progress(row)) for row in rows],
            "next_cursor": following,
        },
    )


@for_investors("GET")
def recommendation(request: SignedIn, account_id: UUID, recommendation_id: UUID) -> HttpResponse:
    """Show trades with tax, cost and reason, weights before and after, and omitted trades."""
    row = recommendation_row(request, account_id, recommendation_id)
    if row.kind == RecommendationKind.HARVEST:
        return _harvest(request, row)
    result = stored_result(queries.texts(row).result)
    return shown(
        request,
        "recommendation",
        {
            "account": row.account,
            "row": row,
            "progress": queries.progress(row),
            "result": result,
            "nothing": not result.trades,
            "outside": outside(result),
            "trades": in_order(result),
            "drift_before": result.before.total * 100,
            "drift_after": result.after.total * 100,
            "turnover": turnover(result),
            "weights": before_and_after(result),
            "limits": limit_lines(result),
            "netted": _netted(request, row, result),
        },
    )


def _netted(request: SignedIn, row: Recommendation, result: RebalanceResult) -> Decimal | None:
    """Return the tax after netting with the year as it stands; None without such a return."""
    if row.status != RecommendationStatus.PROPOSED:
        return None  # its trades may be part of the year already
    account = ledger.account_with_owner(user=request.user, public_id=row.account.public_id)
    try:
        return queries.netted_tax(account=account, result=result, as_of=timezone.now().date())
    except BallastError:  # a currency of the household without a rate of that day
        return None


def _harvest(request: SignedIn, row: Recommendation) -> HttpResponse:
    """Show the trades of a harvest with what they keep and what they risk."""
    result = stored_harvest(queries.texts(row).result)
    return shown(
        request,
        "harvest_recommendation",
        {
            "account": row.account,
            "row": row,
            "progress": queries.progress(row),
            "result": result,
            "figures": figures(result),
            "refused": at_a_loss(result),
        },
    )


@for_investors("POST")
def decide(request: SignedIn, account_id: UUID, recommendation_id: UUID) -> HttpResponse:
    """Approve or reject, once."""
    row = recommendation_row(request, account_id, recommendation_id)
    status = _DECISIONS.get(request.POST.get("decision", ""))
    if status is None:
        raise InvalidInput(
            "The decision is missing. Press Approve or Reject.", code="decision_unknown"
        )
    try:
        operations.decide(recommendation=row, status=status, user=request.user, now=timezone.now())
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"The recommendation was {status}.")
        if following := inside(request.POST.get("next", ""), otherwise=""):
            return HttpResponseRedirect(following)
        if status == RecommendationStatus.APPROVED:
            return redirect("order_sheet", account_id, recommendation_id)
    return redirect("recommendation", account_id, recommendation_id)


def recommendation_row(
    request: SignedIn, account_id: UUID, recommendation_id: UUID
) -> Recommendation:
    """Return the recommendation of this account, if the user may see it."""
    row = queries.recommendation(user=request.user, public_id=recommendation_id)
    if row.account.public_id != account_id:
        raise NotFound(
            "The recommendation does not exist. Reload the list.", code="recommendation_not_found"
        )
    return row
