"""A broker's statement beside the ledger: uploaded, compared, looked at, settled."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, NotFound
from core.limits import EARLIEST_DATE, NAME_LENGTH_MAX
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters import reconciliations as view
from edge.pagination import keyset_page
from transactions import queries as ledger
from transactions.files.formats.detection import title_of
from transactions.files.stated.detection import STATEMENTS
from transactions.models import Account, Reconciliation, ReconciliationKind
from transactions.operations import reconciling
from transactions.operations.reconciling.settling import settle
from transactions.queries.reconciliations import (
    reconciliation,
    transactions_named,
)
from transactions.queries.reconciliations import reconciliations as listed

FILES_SHOWN = 20
MATCHED_SHOWN_MAX = 500


class StatementForm(forms.Form):
    """A statement, and what it does not say itself."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        help_text="OFX, Flex, or the CSV of positions or of realized lots, up to 8 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.ofx,.qfx,.xml,.txt"}),
    )
    as_of = forms.DateField(
        label="Day of the statement",
        required=False,
        help_text="Only if the file does not state it.",
        widget=forms.DateInput(attrs={"type": "date", "min": EARLIEST_DATE.isoformat()}),
    )
    file_account = forms.CharField(
        label="Account in the file",
        required=False,
        max_length=NAME_LENGTH_MAX,
        help_text="Only if the file has several.",
    )
    kind = forms.ChoiceField(
        label="Compare",
        required=False,
        choices=[("", "What the file states"), *ReconciliationKind.choices],
    )


def format_title(name: str) -> str:
    """Return the name of a statement's format for people."""
    declared = STATEMENTS.get(name)
    return declared.title if declared else title_of(name)


@for_investors("GET", "POST")
def reconciliations(request: SignedIn, account_id: UUID) -> HttpResponse:
    """List the comparisons of an account, with a form for a new one."""
    account = ledger.account(user=request.user, public_id=account_id)
    bound = request.method == "POST"
    form = StatementForm(request.POST if bound else None, request.FILES if bound else None)
    status = 200
    if bound:
        made, status = _compared(request, account, form)
        if made is not None:
            return redirect("reconciliation", account_id, made.public_id)
    rows, following = keyset_page(
        listed(user=request.user, account_id=account_id),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=FILES_SHOWN,
    )
    return shown(
        request,
        "reconciliations",
        {
            "account": account,
            "form": form,
            "rows": [(row, format_title(row.format), _differences(row)) for row in rows],
            "next_cursor": following,
        },
        status=status,
    )


def _differences(row: Reconciliation) -> int:
    return row.differing + row.only_ours + row.only_theirs


def _compared(
    request: SignedIn, account: Account, form: StatementForm
) -> tuple[Reconciliation | None, int]:
    if not form.is_valid():
        return None, 400
    data = form.cleaned_data
    brought = reconciling.Brought(
        name=data["file"].name,
        file=data["file"].file,
        kind=data["kind"] or None,
        as_of=data["as_of"],
        file_account=data["file_account"],
    )
    try:
        made = reconciling.reconcile(
            account=account, brought=brought, user=request.user, now=timezone.now()
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return None, refusal.status
    return made, 200


@for_investors("GET")
def reconciliation_page(
    request: SignedIn, account_id: UUID, reconciliation_id: UUID
) -> HttpResponse:
    """Show where the two part, why, and what would settle it."""
    found = _found(request, account_id, reconciliation_id)
    named = transactions_named(found=found, user=request.user)
    parted, matched = view.shown_positions(found.result, named)
    cash = view.shown_cash(found.result, named)
    return shown(
        request,
        "reconciliation",
        {
            "account": found.account,
            "found": found,
            "format_name": format_title(found.format),
            "is_lots": found.kind == ReconciliationKind.REALIZED,
            "is_current": found.ledger_version == found.account.ledger_version,
            "differences": _differences(found),
            "parted": parted,
            "cash": cash,
            "matched": matched[:MATCHED_SHOWN_MAX],
            "basis": view.shown_basis(matched),
            "lots": view.shown_lots(found.result),
            "totals": (found.result.get("ours"), found.result.get("theirs")),
            "unreadable": found.result["unreadable"][:MATCHED_SHOWN_MAX],
        },
    )


@for_investors("POST")
def reconciliation_settle(
    request: SignedIn, account_id: UUID, reconciliation_id: UUID
) -> HttpResponse:
    """Reverse or record what one reason proposes."""
    found = _found(request, account_id, reconciliation_id)
    position, _, reason = request.POST.get("reason", "")[:20].partition(":")
    here = redirect("reconciliation", account_id, reconciliation_id)
    if not position.removeprefix("-").isdecimal() or not reason.isdecimal():
        messages.error(request, "Choose one of the proposals.")
        return here
    try:
        count = settle(
            found=found,
            position=int(position),
            reason=int(reason),
            user=request.user,
            now=timezone.now(),
        )
    except BallastError as refusal:
        messages.error(request, f"{refusal.detail} Nothing was recorded.")
        return here
    messages.success(
        request,
        f"Recorded {count} transaction{'' if count == 1 else 's'}. Upload the statement again to "
        "see what is left.",
    )
    return redirect("reconciliations", account_id)


@for_investors("POST")
def reconciliation_remove(
    request: SignedIn, account_id: UUID, reconciliation_id: UUID
) -> HttpResponse:
    """Delete a comparison; the ledger stays as it is."""
    reconciling.forget(found=_found(request, account_id, reconciliation_id))
    messages.success(request, "The comparison was deleted. The ledger did not change.")
    return redirect("reconciliations", account_id)


def _found(request: SignedIn, account_id: UUID, reconciliation_id: UUID) -> Reconciliation:
    found = reconciliation(user=request.user, public_id=reconciliation_id)
    if found.account.public_id != account_id:
        raise NotFound("No such reconciliation.", code="reconciliation_not_found")
    return found
