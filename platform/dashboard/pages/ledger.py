"""The pages that list, record and reverse transactions."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from core.errors import BallastError, NotFound
from core.identifiers import uuid7
from dashboard.forms.entries import TransactionForm, add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from edge.pagination import keyset_page
from jobs.operations import Answer, answer_once
from marketdata.queries import assets
from transactions import queries as ledger
from transactions.ledger.kinds import KINDS
from transactions.models import Account, Transaction
from transactions.operations import check, record, reverse

ROWS_SHOWN = 50
SUGGESTIONS_MAX = 300


@for_investors("GET", "POST")
def transactions(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show the list, newest first, with the form beside it; record the form."""
    account = ledger.account(user=request.user, public_id=account_id)
    form = TransactionForm(
        request.POST if request.method == "POST" else None,
        initial={"executed_on": timezone.now().date(), "type": "buy"},
        accounts=_others(request, account),
    )
    status = 200
    if form.is_bound:
        status = _record(request, account, form)
        if status == 201:
            recorded = KINDS[form.cleaned_data["type"]].label.lower()
            messages.success(request, f"Recorded the {recorded}.")
            return redirect("transactions", account_id)
    rows, following = keyset_page(
        ledger.transactions(user=request.user, account_id=account_id),
        sort_key="executed_at",
        cursor=request.GET.get("cursor", ""),
        size=ROWS_SHOWN,
    )
    context = {
        "account": account,
        "rows": [_shown(row) for row in rows],
        "next_cursor": following,
    }
    if _is_htmx(request):
        return shown(request, "_transaction_rows", context)
    known = assets(user=request.user)[:SUGGESTIONS_MAX]
    key = request.POST.get("key") or str(uuid7())
    return shown(
        request,
        "transactions",
        {**context, "form": form, "assets": known, "key": key},
        status=status,
    )


def _others(request: SignedIn, account: Account) -> list[tuple[str, str]]:
    """Return the other accounts of the account's household."""
    rows = ledger.accounts(user=request.user).filter(household_id=account.household_id)
    return [
        (str(public_id), name)
        for public_id, name in rows.exclude(pk=account.pk).values_list("public_id", "name")
    ]


def _record(request: SignedIn, account: Account, form: TransactionForm) -> int:
    """Record the form once, even if it is sent twice with the same key. Return the status.

    Warnings are shown first, with status 200 and nothing recorded; sending the same figures again
    records them.
    """
    if not form.is_valid():
        return 400
    now = timezone.now()
    entry = form.entry(now=now)

    def effect(account: Account) -> Answer:
        if request.POST.get("seen") != form.figures():
            checked = check(account=account, entries=[entry], user=request.user, now=now)
            form.warned = [warned for _, found in checked for warned in found]
            if form.warned:
                raise _NotRecorded
        row, *_ = record(account=account, entries=[entry], user=request.user, now=now)
        return 201, {"id": str(row.public_id)}

    try:
        (status, _), _ = answer_once(
            user=request.user,
            key=request.POST.get("key") or None,
            request={
                "page": request.path,
                "form": {name: str(value) for name, value in form.cleaned_data.items()},
            },
            now=now,
            access=lambda: account,
            effect=effect,
        )
    except _NotRecorded:
        return 200
    except BallastError as refusal:
        add_refusal(form, refusal)
        return refusal.status
    return status


class _NotRecorded(Exception):
    """Warnings have to be seen first."""


@for_investors("POST")
def reverse_transaction(request: SignedIn, account_id: UUID, transaction_id: UUID) -> HttpResponse:
    """Reverse a transaction with a new row."""
    row = ledger.transaction_row(user=request.user, public_id=transaction_id)
    if row.account.public_id != account_id:
        raise NotFound(
            "The transaction does not exist. Reload the list.", code="transaction_not_found"
        )
    try:
        reverse(original=row, user=request.user, now=timezone.now())
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(
            request, "The transaction was reversed. The list shows it and its reversal."
        )
    target = redirect("transactions", account_id)
    return HttpResponseClientRedirect(target.url) if _is_htmx(request) else target


def _shown(row: Transaction) -> Transaction:
    """Return the row with its reversal state."""
    row.is_reversed = getattr(row, "reversed_by", None) is not None  # type: ignore[attr-defined]
    row.can_reverse = row.reverses_id is None and not row.is_reversed  # type: ignore[attr-defined]
    return row


def _is_htmx(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers
