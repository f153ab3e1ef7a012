"""What an accountant sees: the tax years that a household granted, to read and to download."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, InvalidInput, NotFound
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import year_asked
from identity.models import AccountantLink
from identity.operations.accountants import become_accountant
from identity.queries import kept_book, kept_books, profile
from portfolios.queries import taxes
from portfolios.queries.income import income_of
from portfolios.queries.tax_files import whole_return
from portfolios.tax.form_8949 import form_8949
from portfolios.tax.tax_return import return_figures
from portfolios.tax.txf import txf

BOOKS_SHOWN = 100
LINES_SHOWN = 500
FILES = {"csv": "text/csv; charset=utf-8", "txf": "text/plain; charset=utf-8"}


@for_investors("GET", "POST")
def accounting(request: SignedIn) -> HttpResponse:
    """List the households whose taxes the user may read; a POST makes the user an accountant."""
    if request.method == "POST":
        become_accountant(user=request.user)
        messages.success(request, "You can be named as accountant now, by your e-mail address.")
        return redirect("accounting")
    books = kept_books(user=request.user, now=timezone.now())
    return shown(
        request,
        "accounting",
        {"books": list(books[:BOOKS_SHOWN]), "more": books.count() > BOOKS_SHOWN},
    )


@for_investors("GET")
def accounting_year(request: SignedIn, household_id: UUID) -> HttpResponse:
    """Show the returns, the gain lines and the income of a granted tax year."""
    now = timezone.now()
    book, year = _granted(request, household_id)
    household = taxes.granted_household(household_id=book.household_id)
    context: dict[str, Any] = {}
    try:
        returns = taxes.tax_returns(household=household, year=year, as_of=now.date())
        context["returns"] = [return_figures(one) for one in returns]
    except BallastError as refusal:  # a currency without a rate of that day
        context["no_return"] = refusal.detail
    try:
        context["income"] = income_of(
            household=household,
            currency=request.user.base_currency,
            from_date=date(year, 1, 1),
            to_date=min(date(year, 12, 31), now.date()),
            now=now,
        )
    except BallastError as refusal:
        context["no_income"] = refusal.detail
    context |= {"book": book, "household": household, "year": year}
    return shown(request, "accounting_year", context)


@for_investors("GET")
def accounting_file(request: SignedIn, household_id: UUID, tax_file_format: str) -> HttpResponse:
    """Return Form 8949 of a granted year as a file."""
    if tax_file_format not in FILES:
        raise NotFound("The file format is not supported.", code="format_unknown")
    book, year = _granted(request, household_id)
    household = taxes.granted_household(household_id=book.household_id)
    owner = request.GET.get("owner_id", "")
    try:
        owner_id = UUID(owner) if owner else None
    except ValueError:
        raise InvalidInput("Name an owner of the household.", code="owner_unknown") from None
    found = whole_return(household=household, year=year, owner_id=owner_id)
    if tax_file_format == "txf":
        text = txf(found.lines, boxes=found.boxes, made_on=timezone.now().date())
    else:
        text = form_8949(found.lines, currency=found.currency, with_totals=True, boxes=found.boxes)
    name = f"form-8949-{year}.{tax_file_format}"
    return HttpResponse(
        text,
        content_type=FILES[tax_file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _granted(request: SignedIn, household_id: UUID) -> tuple[AccountantLink, int]:
    """Return the access to the year in the link; without one, to the newest that is granted."""
    now, user = timezone.now(), profile(user_id=request.user.pk)
    mine = kept_books(user=user, now=now).filter(household__public_id=household_id).first()
    year = year_asked(request, default=max(mine.years) if mine else now.year)
    return kept_book(user=user, household_id=household_id, year=year, now=now), year
