"""Pages of the whole household that lead to each account: its plan, its taxes, a new record."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from dashboard import queries
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import year_asked
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


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """The realized gains of the accounts in one currency."""

    currency: str
    proceeds: Decimal
    short: Decimal
    long: Decimal
    disallowed: Decimal

    @property
    def gain(self) -> Decimal:
        return self.short + self.long


@for_investors("GET")
def tax(request: SignedIn) -> HttpResponse:
    """Show the realized gains of a year, account by account."""
    today = timezone.now().date()
    year = year_asked(request, default=today.year)
    accounts = list(ledger.accounts(user=request.user)[: queries.ACCOUNTS_SHOWN_MAX])
    found = queries.yearly_gains(accounts=accounts, year=year)
    return shown(
        request,
        "tax",
        {
            "year": year,
            "years": _years(year, today, found.first_year),
            "lines": found.lines,
            "totals": [
                TaxTotal(
                    currency,
                    sum((line.proceeds for line in lines), Decimal()),
                    sum((line.short for line in lines), Decimal()),
                    sum((line.long for line in lines), Decimal()),
                    sum((line.disallowed for line in lines), Decimal()),
                )
                for currency, lines in found.by_currency()
            ],
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
    chosen = request.session.get("scope")
    known = [row for row in rows if str(row.public_id) == chosen] or rows
    if len(known) == 1:
        return redirect(reverse("transactions", args=[known[0].public_id]) + "#record")
    return shown(request, "record", {"accounts": rows})
