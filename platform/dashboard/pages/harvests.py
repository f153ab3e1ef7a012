"""Harvests: what an account could harvest, the household's dates, the losses of a year."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, Conflict, InvalidInput
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import year_asked
from dashboard.presenters.harvests import LEAST_CHOICES, at_a_loss, figures, labeled
from identity.models import Household
from portfolios.queries.taxes import household_of
from recommendations import operations
from recommendations.harvesting.calendar import Entry
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.year_ledger import YearLedger
from recommendations.queries.harvest_calendar import harvest_calendar, year_ledgers
from recommendations.queries.opportunities import account_opportunities
from stores.database import snapshot
from transactions import queries as ledger
from transactions.models import Account

_CALENDAR_DAYS = 120
_ENTRIES_SHOWN = 60


@for_investors("GET")
def harvest(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show what the account could harvest now, why not the rest, and the household's dates."""
    now = timezone.now()
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    options = _options(request.GET)
    context: dict[str, object] = {"account": account, "least": _least(request.GET)}
    try:
        found = account_opportunities(account=account, options=options, now=now)
    except BallastError as refusal:  # a currency without a rate, too many lots
        context["no_answer"] = refusal.detail
    else:
        context |= {
            "result": found,
            "figures": figures(found),
            "refused": at_a_loss(found),
        }
    household = household_of(account=account)
    entries = _calendar(household)
    names = {
        str(row.public_id): row.name
        for row in ledger.accounts(user=request.user).filter(household_id=household.pk)
    }
    return shown(
        request,
        "harvest",
        {
            **context,
            "choices": LEAST_CHOICES,
            "entries": labeled(entries[:_ENTRIES_SHOWN], names),
            "more_entries": max(0, len(entries) - _ENTRIES_SHOWN),
            "calendar_until": now.date() + timedelta(days=_CALENDAR_DAYS),
            **_year(request, account, household),
        },
    )


def _calendar(household: Household) -> list[Entry]:
    now = timezone.now()
    with snapshot():
        return harvest_calendar(
            household=household,
            first=now.date(),
            last=now.date() + timedelta(days=_CALENDAR_DAYS),
            now=now,
        )


def _year(request: SignedIn, account: Account, household: Household) -> dict[str, object]:
    """Return the losses of a year on the return of the account's owner."""
    today = timezone.now().date()
    year = year_asked(request, default=today.year)
    try:
        with snapshot():
            found = year_ledgers(household=household, year=year, as_of=today)
    except BallastError as refusal:  # a currency without a rate of that day
        return {"year": year, "years": [], "ledgers": [], "no_year": refusal.detail}
    shown_first: list[YearLedger] = sorted(
        found, key=lambda row: account.owner.full_name not in row.owners
    )
    years = range(today.year, today.year - 4, -1)
    return {"year": year, "years": sorted({*years, year}, reverse=True), "ledgers": shown_first}


@for_investors("POST")
def harvest_request(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Request a harvest of the account as it is now, and redirect to its progress."""
    account = ledger.account(user=request.user, public_id=account_id)
    try:
        job = operations.request_harvest(
            account=account,
            options=_options(request.POST),
            user=request.user,
            now=timezone.now(),
        )
    except (Conflict, InvalidInput) as refusal:
        messages.error(request, refusal.detail)
        return redirect("harvest", account_id)
    return redirect("rebalance_job", account_id, job.public_id)


def _least(data: QueryDict) -> str:
    chosen = data.get("least") or LEAST_CHOICES[0]
    if chosen not in LEAST_CHOICES:
        raise InvalidInput(
            "This threshold does not exist. Choose one from the list.", code="choice_unknown"
        )
    return chosen


def _options(data: QueryDict) -> HarvestOptions:
    return replace(HarvestOptions(), minimum_benefit_percentage=Decimal(_least(data)))
