"""The portfolio of one account, and the form that creates an account."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, NotFound
from dashboard.clients import client_household
from dashboard.forms.entries import AccountForm, add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.notes import notes_card
from dashboard.pages.query_parameters import page_asked, symbol_asked
from dashboard.presenters.holdings import aims_of, live_account, portfolio
from dashboard.presenters.lots import lots_by_purchase
from identity.models import Household
from portfolios.queries import (
    account_value,
    lot_values,
    target_weights,
)
from recommendations.models import NoteSubject
from transactions import queries as ledger
from transactions.models import LotMethod
from transactions.operations import open_account

HOLDINGS_SHOWN = 100
LOTS_SHOWN = 200


@for_investors("GET", "POST")
def account_new(request: SignedIn) -> HttpResponse:
    """Create an account."""
    client = _client(request)
    form = AccountForm(
        request.POST if request.method == "POST" else None,
        lot_methods=tuple(LotMethod.values),
        initial={"currency": request.user.base_currency},
    )
    status = 200
    if form.is_bound and form.is_valid():
        try:
            account = open_account(
                user=request.user,
                household_id=client.public_id if client else None,
                now=timezone.now(),
                **form.cleaned_data,
            )
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, f"{account.name} is open. Record a deposit next.")
            return redirect("transactions", account.public_id)
    elif form.is_bound:
        status = 400
    return shown(request, "account_new", {"form": form, "client": client}, status=status)


def _client(request: SignedIn) -> Household | None:
    """Return the client that the link names, for whom an adviser opens the account."""
    named = request.GET.get("household", "")
    if not named:
        return None
    try:
        found = client_household(user=request.user, public_id=UUID(named))
    except ValueError:
        found = None
    if found is None:
        raise NotFound(
            "The household does not exist, or you have no access to it.", code="household_not_found"
        )
    return found


@for_investors("GET")
def portfolio_page(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show value, weights against targets, allocation, price chart and holdings of an account."""
    now = timezone.now()
    account = ledger.account(user=request.user, public_id=account_id)
    value = account_value(user=request.user, account_id=account_id, now=now).value
    aims = aims_of(target_weights(account_pk=account.pk))
    page = portfolio(value=value, aims=aims)
    pages = max(1, -(-len(page.rows) // HOLDINGS_SHOWN))
    number = page_asked(request, pages=pages)
    start = (number - 1) * HOLDINGS_SHOWN
    return shown(
        request,
        "portfolio",
        {
            "live": bool(page.rows),
            "account": account,
            "page": page,
            "shown_rows": page.rows[start : start + HOLDINGS_SHOWN],
            "page_number": number,
            "pages": pages,
            "has_targets": bool(aims),
            **notes_card(request, subject_type=NoteSubject.ACCOUNT, subject_id=account.public_id),
            "live_data": {
                "base": None,
                "accounts": [live_account(account_id=str(account_id), value=value)],
            },
        },
    )


@for_investors("GET")
def lots(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Return the lots of one holding, as a fragment."""
    now = timezone.now()
    symbol = symbol_asked(request)
    account = ledger.account(user=request.user, public_id=account_id)
    value = account_value(user=request.user, account_id=account_id, now=now).value
    holding = next(
        (row for row in portfolio(value=value, aims={}).rows if row.symbol == symbol), None
    )
    if holding is None:
        raise NotFound(
            "This account does not hold that symbol. Open the lots from its portfolio page.",
            code="holding_unknown",
        )
    rows = list(ledger.lots(account=account, symbol=symbol)[: LOTS_SHOWN + 1])
    purchases = lots_by_purchase(lot_values(lots=rows[:LOTS_SHOWN], value=value, as_of=now.date()))
    return shown(
        request,
        "_lots",
        {
            "symbol": symbol,
            "currency": account.currency,
            "account": account,
            "holding": holding,
            "lots": purchases,
            "adjusted": any(lot.adjusted for lot in purchases),
            "lots_shown": LOTS_SHOWN,
            "more": len(rows) > LOTS_SHOWN,
        },
    )
