"""The announced dividends that an account has not recorded."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, Conflict
from dashboard.forms.dividends import DueDividendForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from portfolios.operations.dividends_due import Received, record_dividends, skip_dividends
from portfolios.queries.dividends_due import dividends_due, securities_of
from transactions import queries as ledger
from transactions.models import Account

ROWS_SHOWN = 100


@for_investors("GET", "POST")
def due(request: SignedIn, account_id: UUID) -> HttpResponse:
    """List what is due, newest first, and record or skip what is chosen."""
    account = ledger.account(user=request.user, public_id=account_id)
    today = timezone.now().date()
    found = dividends_due(account=account, as_of=today)
    shown_rows = found[:ROWS_SHOWN]
    assets = securities_of(shown_rows)
    bound = request.POST if request.method == "POST" else None
    forms = [
        DueDividendForm(bound, due=row, symbol=assets[row.announced.asset_id].symbol, as_of=today)
        for row in shown_rows
    ]
    error, status = None, 200
    if bound is not None:
        try:
            if _done(request, account, forms):
                return redirect("dividends_due", account_id)
            error, status = "Correct the marked rows. Nothing was recorded.", 400
        except BallastError as refusal:
            error, status = f"{refusal.detail} Nothing was recorded.", refusal.status
    return shown(
        request,
        "dividends_due",
        {
            "account": account,
            "forms": forms,
            "names": assets,
            "count": len(found),
            "error": error,
        },
        status=status,
    )


def _done(request: SignedIn, account: Account, forms: list[DueDividendForm]) -> bool:
    """Record or skip the chosen rows. False: one of them is not valid."""
    chosen = [form for form in forms if form["chosen"].data]
    now = timezone.now()
    named_in_all = sum(name.endswith("-chosen") for name in request.POST)
    if len(chosen) < named_in_all:
        raise Conflict(
            "A chosen dividend was recorded or skipped meanwhile. The list is new: choose again.",
            code="dividend_not_due",
        )
    if request.POST.get("action") == "skip":
        named = [(form.symbol, form.due.announced.ex_date) for form in chosen]
        skip_dividends(account=account, dividends=named, user=request.user, now=now)
        messages.success(request, f"{_counted(len(chosen))} skipped.")
        return True
    if [form for form in chosen if not form.is_valid()]:  # each of them shows its errors
        return False
    rows = [
        Received(
            form.symbol,
            form.due.announced.ex_date,
            form.cleaned_data["paid_on"],
            form.cleaned_data["amount"],
        )
        for form in chosen
    ]
    record_dividends(account=account, received=rows, user=request.user, now=now)
    messages.success(request, f"{_counted(len(rows))} recorded.")
    return True


def _counted(count: int) -> str:
    return "1 dividend is" if count == 1 else f"{count} dividends are"
