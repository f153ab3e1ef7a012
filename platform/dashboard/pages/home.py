"""The home of a household. Its first answer has what is read at once; the parts follow alone.

A part is a fragment for htmx and a page of its own for everybody else, so that each can be reached
without JavaScript. A part that cannot be computed says so in its place; the others are not touched.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.errors import BallastError
from dashboard import queries
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.performance import chart_data
from dashboard.pages.welcome import first_steps
from dashboard.presenters import home as view
from dashboard.presenters import performance as performance_view
from dashboard.presenters.figures import currency_decimals, currency_prefix
from dashboard.presenters.holdings import live_account
from dashboard.todo import to_do
from portfolios.queries.income import household_income
from portfolios.queries.performance import recent_household_performance
from portfolios.queries.performance_inputs import Period
from transactions import queries as ledger

CARDS_SHOWN = 5
MOVERS_SHOWN = 4
PAYMENTS_SHOWN = 6
INCOME_AHEAD = timedelta(days=90)
_RANGE = "home_range"


@for_investors("GET")
def overview(request: SignedIn) -> HttpResponse:
    """Show the value of all accounts now, and room for the parts."""
    now = timezone.now()
    base = request.user.base_currency
    found = queries.overview(user=request.user, now=now)
    newest = queries.last_trade_dates(account_ids=[line.account.pk for line in found.lines])
    return shown(
        request,
        "home",
        {
            "live": bool(found.lines),
            "base_currency": base,
            "lines": [(line, newest.get(line.account.pk)) for line in found.lines],
            "totals": found.totals,
            "first_steps": first_steps(user=request.user, found=found, newest=newest),
            "sample": any(line.account.is_sample for line in found.lines),
            # Never a silent cut: more accounts than these are neither listed nor summed.
            "cut": len(found.lines) >= queries.ACCOUNTS_SHOWN_MAX,
            "at": now,
            "chosen": _range(request),
            "live_data": {
                "base": {"prefix": currency_prefix(base), "decimals": currency_decimals(base)},
                "accounts": [
                    live_account(
                        account_id=str(line.account.public_id),
                        value=line.part.value,
                        to_base=line.part.rate,
                    )
                    for line in found.lines
                ],
            },
        },
    )


_Part = Callable[[SignedIn], dict[str, Any]]


def _part(name: str, title: str) -> Callable[[_Part], Callable[..., HttpResponse]]:
    """Make a part of what computes its context."""

    def decorate(compute: _Part) -> Callable[..., HttpResponse]:
        @for_investors("GET")
        @wraps(compute)
        def page(request: SignedIn) -> HttpResponse:
            try:
                context, template, status = compute(request), f"_home_{name}", 200
            except BallastError as refusal:
                context = {"detail": refusal.detail, "address": request.get_full_path()}
                template, status = "_home_failed", 422
            if "HX-Request" in request.headers:
                return shown(request, template, {**context, "title": title}, status=status)
            return shown(
                request,
                "home_part",
                {**context, "title": title, "part": f"dashboard/{template}.html", "name": name},
                status=status,
            )

        return page

    return decorate


def _range(request: HttpRequest) -> str:
    """Return the chosen range; a choice in the link is remembered."""
    asked = request.GET.get("range", "")
    known = [name for name, _, _ in view.RANGES]
    if asked in known:
        request.session[_RANGE] = asked
        return asked
    kept = request.session.get(_RANGE, "")
    return kept if kept in known else "ytd"


@_part("value", "Value over time")
def value(request: SignedIn) -> dict[str, Any]:
    """Return the change in the chosen range, and the chart of the value with the paid-in line."""
    now = timezone.now()
    chosen = _range(request)
    if chosen == "1d":
        period = Period(now.date() - timedelta(days=view.DAYS_BESIDE_ONE))
    else:
        period = Period(performance_view.begin(chosen, now.date()))
    found = recent_household_performance(user=request.user, period=period, now=now)
    change = view.change(found)
    if chosen == "1d":
        totals = queries.overview(user=request.user, now=now).totals
        change = view.Change(totals.day_change, totals.day_change_percentage, None)
    return {
        "ranges": view.RANGES,
        "chosen": chosen,
        "range_label": next(label for name, _, label in view.RANGES if name == chosen),
        "currency": found.currency,
        "change": change,
        "from_date": found.from_date,
        "days": found.days,
        "warnings": found.warnings,
        "others": ledger.accounts(user=request.user)
        .exclude(household_id=request.user.household_id)
        .exists(),
        "chart": chart_data(found),
    }


@_part("todo", "To do")
def to_do_list(request: SignedIn) -> dict[str, Any]:
    """Return what has to be done, most urgent first, or the next date to come."""
    now = timezone.now()
    overview = queries.without_debts(queries.overview(user=request.user, now=now))
    found = to_do(user=request.user, found=overview, now=now)
    return {
        "cards": found.cards[:CARDS_SHOWN],
        "further": found.cards[CARDS_SHOWN:],
        "count": len(found.cards),
        "coming": found.coming,
        "missing": found.missing,
    }


@_part("allocation", "Allocation")
def allocation(request: SignedIn) -> dict[str, Any]:
    """Return the shares of the household by class, currency or account, beside the targets."""
    found = queries.overview(user=request.user, now=timezone.now())
    asked = request.GET.get("by", "")
    chosen = asked if asked in view.DIVISIONS else view.DIVISIONS[0]
    targets = queries.target_shares(found) if chosen != "account" else None
    parts = view.divided(found.totals, chosen)
    return {
        "divisions": view.DIVISIONS,
        "chosen": chosen,
        "slices": view.slices(parts, targets.get(chosen) if targets else None),
        "has_targets": targets is not None,
        "currency": request.user.base_currency,
    }


@_part("income", "Income of the next 90 days")
def coming_income(request: SignedIn) -> dict[str, Any]:
    """Return what is announced or expected to be paid soon."""
    now = timezone.now()
    found = household_income(user=request.user, from_date=None, to_date=None, now=now)
    symbols = {row.asset_id: row.symbol for row in found.sources}
    rows = view.coming(found.expected, symbols=symbols, until=now.date() + INCOME_AHEAD)
    return {
        "rows": rows[:PAYMENTS_SHOWN],
        "further": max(0, len(rows) - PAYMENTS_SHOWN),
        "total": sum((row.amount for row in rows), Decimal()),
        "currency": found.currency,
    }


@_part("movers", "Movers today")
def movers(request: SignedIn) -> dict[str, Any]:
    """Return the holdings that gained and lost most today."""
    found = queries.overview(user=request.user, now=timezone.now())
    gained, lost = view.movers(found.totals, most=MOVERS_SHOWN)
    return {
        "gained": gained,
        "lost": lost,
        "sides": [("Gained most", gained), ("Lost most", lost)],
        "currency": request.user.base_currency,
    }
