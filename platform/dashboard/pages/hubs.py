"""Pages of the whole household that lead to each account: its plan, its taxes, a new record."""

from datetime import date
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from dashboard import queries
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import year_asked
from dashboard.pages.scopes import SCOPE
from portfolios.queries import taxes
from portfolios.tax.tax_return import return_figures
from transactions import queries as ledger

YEARS_SHOWN = 6


@for_investors("GET")
def plan(request: SignedIn) -> HttpResponse:
    """Show the targets, the drift and the last recommendation of every account."""
    found = queries.overview(user=request.user, now=timezone.now())
    latest = queries.latest_recommendations(account_ids=[line.account.pk for line in found.lines])
    return shown(
        request,
        "plan",
        {"lines": [(line, latest.get(line.account.pk)) for line in found.lines]},
    )


@for_investors("GET")
def tax(request: SignedIn) -> HttpResponse:
    """Show each tax return of a year with its files, and the realized gains of every account."""
    today = timezone.now().date()
    year = year_asked(request, default=today.year)
    accounts = list(ledger.accounts(user=request.user)[: queries.ACCOUNTS_SHOWN_MAX])
    found = queries.yearly_gains(accounts=accounts, year=year)
    household = taxes.household(user=request.user, public_id=None)
    returns = taxes.tax_returns(household=household, year=year, as_of=today)
    return shown(
        request,
        "tax",
        {
            "year": year,
            "years": _years(year, today, found.first_year),
            "lines": found.lines,
            "returns": [return_figures(one) for one in returns],
        },
    )


def _years(year: int, today: date, first: int | None) -> list[int]:
    """Return the years with sales and this one, newest first, with the chosen one among them."""
    earliest = max(first or today.year, today.year - YEARS_SHOWN + 1)
    return sorted({*range(earliest, today.year + 1), year}, reverse=True)


@for_investors("GET")
def record(request: SignedIn) -> HttpResponse:
    """Lead to the form that records a transaction; ask for the account if there are several."""
    rows = list(ledger.accounts(user=request.user)[: queries.ACCOUNTS_SHOWN_MAX])
    chosen = request.session.get(SCOPE)
    known = [row for row in rows if str(row.public_id) == chosen] or rows
    # A link may fill in the form: `type=buy&symbol=ACME`.
    given = {name: value for name in ("type", "symbol") if (value := request.GET.get(name))}
    query = f"?{urlencode(given)}" if given else ""
    if len(known) == 1:
        address = reverse("transactions", args=[known[0].public_id])
        return redirect(f"{address}{query}#record")
    return shown(request, "record", {"accounts": rows, "query": query})
