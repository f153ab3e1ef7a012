"""The adviser's desk: clients, rebalances of many at once, what waits, and a printable report."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, InvalidInput
from dashboard import clients as desk
from dashboard import queries
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters import home as view
from dashboard.presenters.performance import begin
from edge.pagination import keyset_page
from identity.models import Household, Role
from identity.queries import household_seen
from portfolios.performance.answer import Answer
from portfolios.queries import policy
from portfolios.queries.performance import household_performance
from portfolios.queries.performance_inputs import Period
from recommendations import operations
from recommendations.engine.options import under
from transactions.models import Account

CLIENTS_SHOWN = 12
ROWS_SHOWN = 50
HOLDINGS_SHOWN = 25
TEXT_LENGTH_MAX = 80
# Rebalances that one press of the button requests.
ACCOUNTS_AT_ONCE_MAX = 50


def _ensure_adviser(request: SignedIn) -> None:
    if request.user.role != Role.ADVISER:
        raise BallastError(
            "Only advisers have clients. Ask for access under Settings, Household.",
            code="permission_denied",
            status=403,
        )


@for_investors("GET")
def clients(request: SignedIn) -> HttpResponse:
    """List the clients, newest first, in pages that never leave any out."""
    _ensure_adviser(request)
    text = request.GET.get("q", "").strip()[:TEXT_LENGTH_MAX]
    only = request.GET.get("only", "")
    only = only if only in desk.FILTERS else ""
    found, following = keyset_page(
        desk.links(user=request.user, text=text, only=only),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=CLIENTS_SHOWN,
    )
    kept = {name: value for name, value in (("q", text), ("only", only)) if value}
    return shown(
        request,
        "clients",
        {
            "clients": desk.clients(user=request.user, found=found, now=timezone.now()),
            "count": desk.links(user=request.user).count(),
            "currency": request.user.base_currency,
            "q": text,
            "only": only,
            "filters": [
                (name, label, urlencode({**kept, "only": name}))
                for name, label in desk.FILTERS.items()
            ],
            "next_query": urlencode({**kept, "cursor": following}) if following else "",
            "first_query": urlencode(kept) if request.GET.get("cursor") else None,
        },
    )


@for_investors("POST")
def clients_rebalance(request: SignedIn) -> HttpResponse:
    """Request a rebalance of every account with targets of the chosen clients."""
    _ensure_adviser(request)
    try:
        chosen = {UUID(text) for text in request.POST.getlist("client")}
    except ValueError:
        raise InvalidInput("Choose clients of the list.", code="client_unknown") from None
    accounts = list(
        Account.objects.for_user(request.user)
        .filter(
            household__in=desk.links(user=request.user).values("household"),
            household__public_id__in=chosen,
            archived_at=None,
            targets__isnull=False,
        )
        .select_related("household")
        .distinct()
        .order_by("id")[: ACCOUNTS_AT_ONCE_MAX + 1]
    )
    if not chosen or not accounts:
        messages.error(
            request, "Choose clients whose accounts have targets. Nothing was requested."
        )
        return redirect("clients")
    if len(accounts) > ACCOUNTS_AT_ONCE_MAX:
        messages.error(
            request,
            f"At most {ACCOUNTS_AT_ONCE_MAX} accounts are rebalanced at once. Choose fewer "
            "clients. Nothing was requested.",
        )
        return redirect("clients")
    refusals = _requested(request, accounts)
    done = len(accounts) - len(refusals)
    if done:
        messages.success(
            request,
            f"{done} rebalance{'' if done == 1 else 's'} requested. The proposals appear below "
            "as they are computed.",
        )
    for text in refusals:
        messages.error(request, text)
    return redirect("clients_review")


def _requested(request: SignedIn, accounts: list[Account]) -> list[str]:
    """Request the rebalances under the rules of each account; return why some were refused."""
    refusals, now = [], timezone.now()
    for account in accounts:
        try:
            options = under(policy(account_pk=account.pk), {})
            operations.request_rebalance(
                account=account, options=options, user=request.user, now=now
            )
        except BallastError as refusal:
            refusals.append(f"{account.household.name}, {account.name}: {refusal.detail}")
    return refusals


@for_investors("GET")
def clients_review(request: SignedIn) -> HttpResponse:
    """List what waits for a decision in the accounts of all clients, newest first."""
    _ensure_adviser(request)
    rows, following = keyset_page(
        desk.waiting(user=request.user),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=ROWS_SHOWN,
    )
    return shown(request, "clients_review", {"rows": rows, "next_cursor": following})


@for_investors("GET")
def household_report(request: SignedIn, household_id: UUID) -> HttpResponse:
    """Show a household on paper: value, accounts, holdings, performance and gains."""
    household = household_seen(user=request.user, public_id=household_id)
    now = timezone.now()
    accounts = list(
        Account.objects.for_user(request.user)
        .filter(household=household, archived_at=None)
        .select_related("household")
        .order_by("id")
    )
    found = queries.valued(accounts=accounts, currency=request.user.base_currency, now=now)
    gains = queries.yearly_gains(accounts=accounts, year=now.year)
    holdings = sorted(found.totals.holdings, key=lambda row: -(row.value or 0))
    return shown(
        request,
        "household_report",
        {
            "household": household,
            "people": desk.members_of(household=household),
            "at": now,
            "currency": request.user.base_currency,
            "found": found,
            "holdings": holdings[:HOLDINGS_SHOWN],
            "further": len(holdings) - HOLDINGS_SHOWN,
            "divisions": [
                (part, 100 * part.value / found.totals.total)
                for part in view.divided(found.totals, "class")
                if found.totals.total > 0
            ],
            "year": now.year,
            "gains": [line for line in gains.lines if line.proceeds],
            "periods": _periods(request, household, accounts),
        },
    )


def _periods(
    request: SignedIn, household: Household, accounts: list[Account]
) -> list[tuple[str, view.Change | None, str]]:
    """Return the change of some ranges, or why it is not known."""
    if not accounts:
        return []
    now = timezone.now()
    found: list[tuple[str, view.Change | None, str]] = []
    for label, first in (
        ("1 month", begin("1m", now.date())),
        ("This year", begin("ytd", now.date())),
        ("12 months", begin("1y", now.date())),
    ):
        try:
            answer: Answer = household_performance(
                user=request.user,
                period=Period(first),
                now=now,
                account_id=accounts[0].public_id,
            )
        except BallastError as refusal:
            found.append((label, None, refusal.detail))
        else:
            found.append((label, view.change(answer), ""))
    return found
