"""Realized gains and taxes of a year, the lineage of a lot, the preview of a sale."""

from dataclasses import replace
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import TransactionForm, add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.notes import notes_card
from dashboard.pages.query_parameters import page_asked, year_asked
from edge.pagination import counted
from portfolios.queries.gains import (
    disposals,
    gains_summary,
    line_rows,
    lines_of,
    wash_sale_policy,
)
from portfolios.queries.lineage import lot_lineage
from portfolios.queries.sale_previews import Asked, sale_preview
from portfolios.queries.taxes import account_gains, owner_return
from portfolios.tax.lineage import Step
from portfolios.tax.sale_preview import ComparedMethod, SalePreview
from portfolios.tax.tax_return import return_figures
from recommendations.models import NoteSubject
from transactions import queries as ledger
from transactions.ledger.kinds import KINDS
from transactions.models import Account, LotMethod

LINES_SHOWN = 100


@for_investors("GET")
def gains(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show the realized gains of a year, their tax return, and Form 8949 to download."""
    as_of = timezone.now().date()
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    known = {row.year: row for row in gains_summary(account=account, year=None, as_of=as_of).years}
    year = year_asked(request, default=max(known, default=as_of.year))
    rows = line_rows(disposals(account_ids=[account.pk], year=year))
    pages = max(1, -(-counted(rows) // LINES_SHOWN))
    number = page_asked(request, pages=pages)
    start = (number - 1) * LINES_SHOWN
    lines = lines_of(
        rows[start : start + LINES_SHOWN],
        accounts={account.pk: account},
        policy=wash_sale_policy(household_id=account.household_id),
    )
    return shown(
        request,
        "gains",
        {
            "account": account,
            "year": year,
            "years": sorted({*known, year}, reverse=True),
            "summary": known.get(year),
            "lines": [(line, line.provisional_until(as_of=as_of)) for line in lines],
            "page_number": number,
            "pages": pages,
            **_return(account, year),
        },
    )


def _return(account: Account, year: int) -> dict[str, object]:
    """Return the tax return of the account, or the reason why it has none."""
    if not account.is_taxed:
        return {"filed": None}
    try:
        found = owner_return(account=account, year=year, as_of=timezone.now().date())
    except BallastError as refusal:  # a currency without a rate of that day
        return {"filed": None, "no_return": refusal.detail}
    mine = account_gains(found, account=account)
    return {
        "filed": return_figures(found),
        "converted": mine.currency != found.currency,
        "several": len(found.accounts) > 1,
    }


@for_investors("GET")
def lot(request: SignedIn, account_id: UUID, lot_id: UUID) -> HttpResponse:
    """Show a lot: its acquisition, its changes, the losses it took over, its sales."""
    account = ledger.account(user=request.user, public_id=account_id)
    found = lot_lineage(account=account, lot_id=lot_id, as_of=timezone.now().date())
    household = ledger.accounts(user=request.user, archived=None).filter(
        household_id=account.household_id
    )
    elsewhere = {row.public_id: row.name for row in household if row.pk != account.pk}
    return shown(
        request,
        "lot",
        {
            "account": account,
            "lot": found,
            **notes_card(request, subject_type=NoteSubject.LOT, subject_id=lot_id),
            "steps": [(step, _label(step), elsewhere.get(step.account_id)) for step in found.steps],
        },
    )


def _label(step: Step) -> str:
    return "Disallowed loss added" if step.type == "wash_sale" else KINDS[step.type].label


@for_investors("POST")
def preview(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show the effect of the sale in the form, as a fragment beside it."""
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    form = TransactionForm(request.POST)
    found = None
    if form.is_valid() and not (form.cleaned_data["symbol"] and form.cleaned_data["quantity"]):
        form.add_error(None, "Enter the symbol and the quantity of the sale.")
    if form.is_valid():
        try:
            found = _previewed(request, account, form)
        except BallastError as refusal:
            add_refusal(form, refusal)
    return shown(
        request,
        "_sale_preview",
        {"account": account, "preview": found, "methods": _methods(found), "form": form},
        status=200 if found else 422,
    )


def _methods(preview: SalePreview | None) -> list[tuple[ComparedMethod, str]]:
    """Return the methods that can make the sale with their labels, the one asked for first."""
    rows = preview.methods if preview else ()
    return [(row, LotMethod(row.lot_method).label) for row in rows if row.totals is not None]


def _previewed(request: SignedIn, account: Account, form: TransactionForm) -> SalePreview:
    data = form.cleaned_data
    asked = Asked(symbol=data["symbol"] or "", quantity=data["quantity"], price=data["price"])
    if data["lot_method"]:
        asked = replace(asked, lot_method=data["lot_method"])
    if data["fee"]:
        asked = replace(asked, fee=data["fee"])
    return sale_preview(account=account, asked=asked, user=request.user, now=timezone.now())
