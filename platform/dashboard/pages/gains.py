"""What was gained: a year's lines and taxes, a lot's lineage, a sale before it is made."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import TransactionForm, add_refusal
from dashboard.pages.asked import page_asked, year_asked
from dashboard.pages.frame import SignedIn, for_investors, shown
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
from portfolios.tax.gains import gain_row
from portfolios.tax.tax_return import return_row
from transactions import queries as ledger
from transactions.ledger.kinds import KINDS
from transactions.models import Account, AccountType, LotMethod

LINES_SHOWN = 100


@for_investors("GET")
def gains(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Realised gains of a year, the return they are on, and Form 8949 to take away."""
    as_of = timezone.now().date()
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    summary = gains_summary(account=account, year=None, as_of=as_of)
    years = summary["years"]
    assert isinstance(years, list), "a list of years"
    known = {row["year"]: row for row in years}
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
            "lines": [gain_row(line, as_of=as_of) for line in lines],
            "page_number": number,
            "pages": pages,
            **_return(account, year),
        },
    )


def _return(account: Account, year: int) -> dict[str, object]:
    """The return the account is on, or why there is none."""
    if account.type != AccountType.TAXABLE:
        return {"tax_return": None}
    try:
        found = owner_return(account=account, year=year, as_of=timezone.now().date())
    except BallastError as refusal:  # a currency without a rate of that day
        return {"tax_return": None, "no_return": refusal.detail}
    mine = account_gains(found, account=account)
    return {
        "tax_return": return_row(found),
        "converted": mine.currency != found.currency,
        "several": len(found.accounts) > 1,
    }


@for_investors("GET")
def lot(request: SignedIn, account_id: UUID, lot_id: UUID) -> HttpResponse:
    """Every figure of a lot: its purchase, what changed it, the losses it took over, its sales."""
    account = ledger.account(user=request.user, public_id=account_id)
    found = lot_lineage(account=account, lot_id=lot_id, as_of=timezone.now().date())
    names = {
        str(row.public_id): row.name
        for row in ledger.accounts(user=request.user, archived=None).filter(
            household_id=account.household_id
        )
    }
    steps = found["steps"]
    assert isinstance(steps, list), "a list of steps"
    return shown(
        request,
        "lot",
        {
            "account": account,
            "lot": found,
            "steps": [_step(step, str(account_id), names) for step in steps],
        },
    )


def _step(step: dict[str, str], account_id: str, names: dict[str, str]) -> dict[str, object]:
    """A step with its name, the units it moved and, where it was elsewhere, the account."""
    kind = step["type"]
    return {
        **step,
        "label": ("Loss taken over" if kind == "wash_sale" else KINDS[kind].label),
        "units": Decimal(step["quantity"]) - Decimal(step["closed_quantity"]),
        "elsewhere": names.get(step["account_id"]) if step["account_id"] != account_id else None,
    }


@for_investors("POST")
def preview(request: SignedIn, account_id: UUID) -> HttpResponse:
    """What the sale in the form would do, as a fragment beside it."""
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    form = TransactionForm(request.POST)
    found = None
    if form.is_valid() and not (form.cleaned_data["symbol"] and form.cleaned_data["quantity"]):
        form.add_error(None, "A sale needs a symbol and a quantity.")
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


def _methods(preview: Mapping[str, object] | None) -> list[dict[str, object]]:
    """The methods that can be compared, with the names people know."""
    rows = preview["methods"] if preview else []
    assert isinstance(rows, list), "a list of methods"
    return [
        {
            **row,
            "label": LotMethod(row["lot_method"]).label,
            "chosen": position == 0,
            "gain": Decimal(row["short_term_gain"]) + Decimal(row["long_term_gain"]),
        }
        for position, row in enumerate(rows)
        if row["available"]
    ]


def _previewed(request: SignedIn, account: Account, form: TransactionForm) -> dict[str, object]:
    data = form.cleaned_data
    asked = Asked(symbol=data["symbol"] or "", quantity=data["quantity"], price=data["price"])
    if data["lot_method"]:
        asked = replace(asked, lot_method=data["lot_method"])
    if data["fee"]:
        asked = replace(asked, fee=data["fee"])
    return sale_preview(account=account, asked=asked, user=request.user, now=timezone.now())
