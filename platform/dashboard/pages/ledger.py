"""The pages that list, record and reverse transactions."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from core.errors import BallastError, Conflict, NotFound
from core.identifiers import uuid7
from core.limits import SYMBOL_LENGTH_MAX
from dashboard.forms.corrections import CorrectionForm, shown_values
from dashboard.forms.entries import TransactionForm, add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.notes import notes_card
from dashboard.pages.posts import answered_once
from dashboard.pages.query_parameters import symbol_asked
from edge.pagination import keyset_page
from jobs.operations import Answer
from marketdata.queries import assets, assets_by_symbol
from recommendations.models import NoteSubject
from transactions import queries as ledger
from transactions.ledger.kinds import KINDS
from transactions.models import Account, Transaction
from transactions.operations import check, correct, record, reverse
from transactions.operations.restating import is_at_fixing, restated

ROWS_SHOWN = 50
SUGGESTIONS_MAX = 300


@for_investors("GET", "POST")
def transactions(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show the list, newest first, with the form beside it; record the form."""
    account = ledger.account(user=request.user, public_id=account_id)
    form = TransactionForm(
        request.POST if request.method == "POST" else None,
        initial=_initial(request, account),
        accounts=others_of(request, account),
    )
    status = 200
    if form.is_bound:
        status = _record(request, account, form)
        if status == 201:
            recorded = KINDS[form.cleaned_data["type"]].label.lower()
            messages.success(request, f"Recorded the {recorded}.")
            return redirect("transactions", account_id)
    with_reversed = _with_reversed(request)
    rows, following = keyset_page(
        ledger.transactions(
            user=request.user, account_id=account_id, reversed=None if with_reversed else False
        ),
        sort_key="executed_at",
        cursor=request.GET.get("cursor", ""),
        size=ROWS_SHOWN,
    )
    context = {
        "account": account,
        "rows": [_shown(row) for row in rows],
        "next_cursor": following,
        "with_reversed": with_reversed,
    }
    if _is_htmx(request):
        return shown(request, "_transaction_rows", context)
    known = assets(user=request.user).filter(tradable=True)[:SUGGESTIONS_MAX]
    key = request.POST.get("key") or str(uuid7())
    return shown(
        request,
        "transactions",
        {**context, "form": form, "assets": known, "key": key},
        status=status,
    )


def _initial(request: SignedIn, account: Account) -> dict[str, object]:
    """Return what the form begins with: a link may name the type and the symbol, or a row."""
    if copied := request.GET.get("copy"):
        return _copied(request, account, copied)
    kind, symbol = request.GET.get("type", ""), symbol_asked(request)
    found: dict[str, object] = {
        "executed_on": timezone.now().date(),
        "type": kind if kind in KINDS else "buy",
    }
    return found | ({"symbol": symbol} if symbol else {})


def _copied(request: SignedIn, account: Account, copied: str) -> dict[str, object]:
    """Return the figures of a transaction to record another like it today."""
    try:
        row = _row_of(request, account.public_id, UUID(copied))
    except ValueError:
        raise _unknown() from None
    return shown_values(row, restated(row=row)) | {"executed_on": timezone.now().date()}


def others_of(request: SignedIn, account: Account) -> list[tuple[str, str]]:
    """Return the other accounts of the account's household."""
    rows = ledger.accounts(user=request.user).filter(household_id=account.household_id)
    return [
        (str(public_id), name)
        for public_id, name in rows.exclude(pk=account.pk).values_list("public_id", "name")
    ]


def _record(
    request: SignedIn,
    account: Account,
    form: TransactionForm,
    original: Transaction | None = None,
) -> int:
    """Record the form once, even if it is sent twice with the same key. Return the status.

    Warnings are shown first, with status 200 and nothing recorded; sending the same figures again
    records them. `original`: the transaction that the form corrects.
    """
    if not form.is_valid():
        _name_unknown_symbols(form, account)
        return 400
    now = timezone.now()
    entry = form.entry(now=now)

    def effect(account: Account) -> Answer:
        if request.POST.get("seen") != form.figures():
            checked = check(
                account=account,
                entries=[entry],
                user=request.user,
                now=now,
                instead_of=original,
            )
            form.warned = [warned for _, found in checked for warned in found]
            if form.warned:
                raise _NotRecorded
        if original is None:
            row, *_ = record(account=account, entries=[entry], user=request.user, now=now)
        else:
            row, *_ = correct(original=original, entry=entry, user=request.user, now=now)
        return 201, {"id": str(row.public_id)}

    try:
        status, _ = answered_once(
            request,
            subject=account,
            effect=effect,
            now=now,
            form={name: str(value) for name, value in form.cleaned_data.items()},
        )
    except _NotRecorded:
        return 200
    except BallastError as refusal:
        add_refusal(form, refusal)
        if refusal.code == "symbol_unknown":
            _name_unknown_symbols(form, account)
        return refusal.status
    return status


def _name_unknown_symbols(form: TransactionForm, account: Account) -> None:
    """Tell of a symbol nobody knows together with the form's other faults, and where to go."""
    # A field with an error is not among the cleaned data.
    symbol = str(form["symbol"].value() or "").strip().upper()[:SYMBOL_LENGTH_MAX]
    kind = KINDS.get(form.cleaned_data.get("type", ""))
    if not symbol or kind is None or "symbol" not in kind.form:
        return
    if assets_by_symbol(household_id=account.household_id, symbols=[symbol]):
        return
    form.unknown_symbol = symbol
    if not form.has_error("symbol"):
        form.add_error("symbol", f"The symbol {symbol} is not known.")


class _NotRecorded(Exception):
    """Warnings have to be seen first."""


@for_investors("POST")
def reverse_transaction(request: SignedIn, account_id: UUID, transaction_id: UUID) -> HttpResponse:
    """Reverse a transaction with a new row."""
    row = _row_of(request, account_id, transaction_id)
    try:
        reverse(original=row, user=request.user, now=timezone.now())
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(
            request, "The transaction was reversed. Neither it nor its reversal counts any more."
        )
    target = redirect("transactions", account_id)
    return HttpResponseClientRedirect(target.url) if _is_htmx(request) else target


def _row_of(request: SignedIn, account_id: UUID, transaction_id: UUID) -> Transaction:
    row = ledger.transaction_row(user=request.user, public_id=transaction_id)
    if row.account.public_id != account_id:
        raise _unknown()
    return row


def _unknown() -> NotFound:
    return NotFound(
        "The transaction does not exist. Reload the list.", code="transaction_not_found"
    )


@for_investors("GET", "POST")
def edit_transaction(request: SignedIn, account_id: UUID, transaction_id: UUID) -> HttpResponse:
    """Show a transaction in a form; replace it by the transaction that the form states."""
    row = _row_of(request, account_id, transaction_id)
    if not _shown(row).can_edit:  # type: ignore[attr-defined]
        raise Conflict(
            "This row cannot be edited. Edit the transaction that replaced it, or the transfer in "
            "the account from which the shares came.",
            code="already_reversed",
        )
    account = row.account
    form = CorrectionForm(
        request.POST if request.method == "POST" else None,
        row=row,
        original=restated(row=row),
        at_fixing=row.currency != account.currency and is_at_fixing(row=row),
        accounts=others_of(request, account),
    )
    status = 200
    if form.is_bound:
        if form.is_valid() and not form.touched:
            messages.success(request, "Nothing was changed, so nothing was recorded.")
            return redirect("transactions", account_id)
        status = _record(request, account, form, original=row)
        if status == 201:
            messages.success(
                request, "The transaction was corrected. The list shows its new version."
            )
            return redirect("transactions", account_id)
    return shown(
        request,
        "transaction_edit",
        {
            "account": account,
            "row": row,
            **notes_card(request, subject_type=NoteSubject.TRANSACTION, subject_id=transaction_id),
            "form": form,
            "assets": assets(user=request.user).filter(tradable=True)[:SUGGESTIONS_MAX],
            "key": request.POST.get("key") or str(uuid7()),
        },
        status=status,
    )


def _shown(row: Transaction) -> Transaction:
    """Return the row with its reversal state."""
    row.is_reversed = getattr(row, "reversed_by", None) is not None  # type: ignore[attr-defined]
    row.can_reverse = row.reverses_id is None and not row.is_reversed  # type: ignore[attr-defined]
    row.is_replaced = getattr(row, "corrected_by", None) is not None  # type: ignore[attr-defined]
    # The arrival of a transfer between own accounts is corrected where it left.
    row.can_edit = row.can_reverse and row.counterpart_id is None  # type: ignore[attr-defined]
    return row


def _with_reversed(request: SignedIn) -> bool:
    """Return whether reversed pairs are shown; a choice in the link is remembered."""
    asked = request.GET.get("reversed", "")
    if asked in ("show", "hide"):
        request.session["with_reversed"] = asked == "show"
    return bool(request.session.get("with_reversed", False))


def _is_htmx(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers
