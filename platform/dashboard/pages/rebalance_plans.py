"""The page on which a rebalance is planned: how close to the targets, and under which rules."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, Conflict, InvalidInput
from dashboard.forms.rebalances import RebalanceForm, initial
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters.drift_curve import HEIGHT, WIDTH, curve_rows, line
from portfolios.holdings.policies import Policy
from portfolios.holdings.targets import CASH_SYMBOL
from portfolios.operations import set_policy
from portfolios.queries import policy, target_weights
from recommendations import operations, queries
from recommendations.engine.options import under
from transactions import queries as ledger
from transactions.models import Account


@for_investors("GET", "POST")
def rebalance(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show the curve and the rules; a POST requests the rebalance and leads to its progress."""
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    symbols = _symbols(account)
    stored = policy(account_pk=account.pk)
    # The button of the portfolio sends no rules: those of the account hold.
    planned = request.method == "GET" or "planned" in request.POST
    given = request.POST if planned else {**initial(stored), **request.POST.dict()}
    form = RebalanceForm(
        given if request.method == "POST" else None, symbols=symbols, initial=initial(stored)
    )
    if request.method == "POST" and form.is_valid():
        return _requested(request, account, form)
    return shown(
        request,
        "rebalance_plan",
        {"account": account, "form": form, "symbols": symbols, **_curve(account, stored)},
        status=400 if form.errors else 200,
    )


def _requested(request: SignedIn, account: Account, form: RebalanceForm) -> HttpResponse:
    """Keep the rules for later runs, or request a rebalance under them."""
    try:
        if request.POST.get("action") == "keep":
            set_policy(account=account, policy=form.policy())
            messages.success(request, "The rules hold for every rebalance, also in the night.")
            return redirect("rebalance", account.public_id)
        job = operations.request_rebalance(
            account=account, options=form.options(), user=request.user, now=timezone.now()
        )
    except (Conflict, InvalidInput) as refusal:
        messages.error(request, refusal.detail)
        return redirect("portfolio", account.public_id)
    return redirect("rebalance_job", account.public_id, job.public_id)


def _symbols(account: Account) -> list[str]:
    """Return what the account holds or has a target for."""
    held = {row.asset.symbol for row in ledger.holdings(account_ids=[account.pk])}
    wanted = {row.symbol for row in target_weights(account_pk=account.pk)}
    return sorted((held | wanted) - {CASH_SYMBOL})


def _curve(account: Account, stored: Policy) -> dict[str, object]:
    """Return the rows and the drawing of the curve, or why there is none."""
    try:
        found = queries.account_drift_curve(
            account=account, options=under(stored, {}), now=timezone.now()
        )
    except BallastError as refusal:  # no targets, a price missing, the engine still starting
        return {"no_curve": refusal.detail}
    rows = curve_rows(found.points)
    return {
        "rows": rows,
        "last": len(rows) - 1,
        "line": line(rows),
        "width": WIDTH,
        "height": HEIGHT,
        "currency": found.currency,
    }
