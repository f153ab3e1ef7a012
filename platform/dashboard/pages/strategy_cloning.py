"""The pages of a reader: take a strategy over into an account, follow it, report it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError, NotFound
from core.identifiers import uuid7
from dashboard.forms.entries import add_refusal
from dashboard.forms.strategies import CloneForm, ReportForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import answered_once, count_try, id_sent
from dashboard.pages.query_parameters import inside
from edge.rate_limits import REPORT
from jobs.operations import Answer
from recommendations.models import Strategy
from recommendations.operations import strategies as operations
from recommendations.queries import strategies as queries
from recommendations.queries.strategy_accounts import changes_in
from transactions import queries as ledger
from transactions.models import Account

_UNKNOWN = "The account does not exist, or you have no access to it."


@for_investors("GET", "POST")
def strategy_clone(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Show what the strategy would change in each account; a POST takes it over into one."""
    row = queries.visible_strategy(user=request.user, public_id=strategy_id)
    if request.method != "POST":
        return _clone_page(request, row, CloneForm())
    form, now = CloneForm(request.POST), timezone.now()
    account_id = id_sent(request, "account", missing=NotFound(_UNKNOWN, code="account_not_found"))
    account = ledger.account(user=request.user, public_id=account_id)
    if not form.is_valid():
        return _clone_page(request, row, form, status=400)

    def effect(found: Account) -> Answer:
        job = operations.clone(
            strategy=row,
            account=found,
            user=request.user,
            gain_budget=form.cleaned_data["gain_budget"],
            now=now,
        )
        return 202, {"job_id": str(job.public_id)}

    try:
        _, body = answered_once(request, subject=account, effect=effect, now=now)
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _clone_page(request, row, form, status=refusal.status)
    messages.success(
        request, f"{account.name} follows {row.name} now. Here is the plan; nothing is traded yet."
    )
    return redirect("rebalance_job", account_id, body["job_id"])


@for_investors("POST")
def strategy_follow(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Follow a strategy, or follow it no longer."""
    user = request.user
    if request.POST.get("action") == "unfollow":
        row = queries.followed_or_visible(user=user, public_id=strategy_id)
        operations.unfollow(strategy=row, user=user)
        messages.success(
            request, f"You no longer follow {row.name}. Your targets stay as they are."
        )
    else:
        row = queries.visible_strategy(user=user, public_id=strategy_id)
        operations.follow(strategy=row, user=user, now=timezone.now())
        messages.success(request, f"You follow {row.name}, and hear of its new versions.")
    return redirect(inside(request.POST.get("next", ""), otherwise=reverse("my_strategies")))


@for_investors("GET", "POST")
def strategy_report(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Report a strategy to the moderators."""
    row = queries.visible_strategy(user=request.user, public_id=strategy_id)
    form = ReportForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            count_try(request, REPORT)
            try:
                operations.report(
                    strategy=row, user=request.user, now=timezone.now(), **form.cleaned_data
                )
            except BallastError as refusal:
                add_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, "Thank you. A moderator will look at it.")
                return redirect("my_strategies")
    return shown(request, "strategy_report", {"strategy": row, "form": form}, status=status)


def _clone_page(
    request: SignedIn, row: Strategy, form: CloneForm, *, status: int = 200
) -> HttpResponse:
    accounts = list(
        Account.objects.for_user(request.user).filter(archived_at=None).order_by("name", "id")
    )
    context: dict[str, Any] = {
        "strategy": row,
        "version": row.current_version,
        "accounts": changes_in(strategy=row, accounts=accounts, as_of=timezone.now().date()),
        "form": form,
        "key": str(uuid7()),
        "chosen": request.POST.get("account") or request.GET.get("account", ""),
        "own": row.author_id == request.user.pk,
    }
    return shown(request, "strategy_clone", context, status=status)
