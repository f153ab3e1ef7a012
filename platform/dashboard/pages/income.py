"""The income of all accounts, or of one: paid by month and holding, expected, and as a list."""

from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone

from core.dates import moved_by_years
from core.errors import InvalidInput
from dashboard.forms.income import IncomeForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import page_asked
from dashboard.presenters.income import coming_bars, coming_months, paid_bars
from portfolios.queries.income import income_seen
from transactions import queries as ledger
from transactions.ledger.kinds import KINDS

ROWS_SHOWN = 100
PAYMENTS_SHOWN = 50
EXPECTED_SHOWN = 60
# More months than this do not fit beside each other; the years page by page do.
MONTHS_SHOWN = 12


@for_investors("GET")
def income(request: SignedIn) -> HttpResponse:
    """Show what was paid in a range of days, by default 12 months, and what is expected."""
    form, now = IncomeForm(request.GET), timezone.now()
    if not form.is_valid():
        raise InvalidInput(
            f"{', '.join(sorted(form.errors)).capitalize()} cannot be read. Open Income again.",
            code="filter_invalid",
        )
    asked = form.cleaned_data
    account = (
        ledger.account(user=request.user, public_id=asked["account"]) if asked["account"] else None
    )
    found = income_seen(
        user=request.user,
        account_id=asked["account"],
        from_date=asked["from"],
        to_date=asked["to"],
        now=now,
    )
    names = {row.asset_id: row.symbol or "Cash" for row in found.sources}
    tomorrow = now.date() + timedelta(days=1)
    coming = coming_months(
        found.expected,
        names=names,
        from_date=tomorrow,
        to_date=moved_by_years(now.date(), 1),
        rows_max=EXPECTED_SHOWN,
    )
    paid = [(month, sums.income) for month, sums in found.months]
    tallest = max(
        [amount for _, amount in paid] + [one.total for one in coming], default=found.sums.tax
    )
    pages = max(1, -(-len(found.payments) // PAYMENTS_SHOWN))
    number = page_asked(request, pages=pages)
    start = (number - 1) * PAYMENTS_SHOWN
    return shown(
        request,
        "income",
        {
            "section": "income",
            "account": account,
            "found": found,
            "currency": found.currency,
            "wide": len(found.months) <= MONTHS_SHOWN,
            "sources": found.sources[:ROWS_SHOWN],
            "more_sources": len(found.sources) > ROWS_SHOWN,
            "bars": paid_bars(paid, tallest=tallest) if len(paid) <= MONTHS_SHOWN else [],
            "coming_bars": coming_bars(coming, tallest=tallest),
            "coming": [one for one in coming if one.total],
            "more_expected": len(found.expected) > EXPECTED_SHOWN,
            "payments": [
                (row, KINDS[row.booked.kind].label)
                for row in found.payments[start : start + PAYMENTS_SHOWN]
            ],
            "page_number": number,
            "pages": pages,
            "years": _years(now.year),
            "year": _year(found.from_date.isoformat(), found.to_date.isoformat()),
            "kept": f"account={account.public_id}&" if account else "",
        },
    )


def _years(this: int) -> list[int]:
    return [this - back for back in range(4)]


def _year(first: str, last: str) -> int | None:
    """Return the calendar year that a range is, or None."""
    whole = first.endswith("-01-01") and last == f"{first[:4]}-12-31"
    return int(first[:4]) if whole else None
