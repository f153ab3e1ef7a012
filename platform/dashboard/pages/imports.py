"""Files of transactions: chosen, looked at row by row, recorded, and taken back."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from core.errors import BallastError, InvalidInput, NotFound
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.lists import keyset_page
from edge.pagination import page_request
from marketdata.queries import assets
from transactions import queries as ledger
from transactions.files.formats.registry import FORMATS as READ
from transactions.files.writing import FORMATS as WRITTEN
from transactions.models import Account, Import, ImportStatus, RowStatus, TransactionType
from transactions.operations import imports as operations
from transactions.operations.imports.committing import StalePreview
from transactions.queries.import_symbols import meanings
from transactions.queries.imports import (
    import_batch,
    import_detail,
    import_line,
    import_row,
    import_rows,
)
from transactions.queries.imports import imports as listed

ROWS_SHOWN = 50
FILES_SHOWN = 20
SUGGESTIONS_MAX = 300
SYMBOLS_SHOWN = 200
NAMES = {
    "ballast": "Ballast CSV",
    "degiro": "DEGIRO",
    "fidelity": "Fidelity",
    "ghostfolio": "Ghostfolio JSON",
    "ghostfolio_csv": "Ghostfolio CSV",
    "ghostfolio_json": "Ghostfolio JSON",
    "ibkr_flex": "Interactive Brokers Flex",
    "ofx": "OFX or QFX",
    "portfolio_performance": "Portfolio Performance CSV",
    "schwab": "Schwab",
    "trading212": "Trading 212",
    "wealthfolio": "Wealthfolio",
}
_CHOICES = {"include", "exclude", "reset"}


class UploadForm(forms.Form):
    """A file, and what it is where it does not say so itself."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        help_text="CSV, JSON, OFX or XML, up to 50 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.json,.ofx,.qfx,.xml,.txt"}),
    )
    format = forms.ChoiceField(
        label="Format",
        required=False,
        choices=[("", "Find out from the file"), *((name, NAMES.get(name, name)) for name in READ)],
    )


@for_investors("GET", "POST")
def imports(request: SignedIn, account_id: UUID) -> HttpResponse:
    """The files of an account, a form for one more, and the ways out."""
    account = ledger.account(user=request.user, public_id=account_id)
    bound = request.method == "POST"
    form = UploadForm(request.POST if bound else None, request.FILES if bound else None)
    status = 200
    if bound:
        batch, status = _brought(request, account, form)
        if batch is not None:
            return redirect("import", account_id, batch.public_id)
    rows, following = keyset_page(
        listed(user=request.user, account_id=account_id).defer("securities", "symbols"),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=FILES_SHOWN,
    )
    return shown(
        request,
        "imports",
        {
            "account": account,
            "form": form,
            "rows": [_named(import_line(row)) | {"created_on": row.created_at} for row in rows],
            "next_cursor": following,
            "exports": [(name, NAMES[name]) for name in WRITTEN],
        },
        status=status,
    )


def _brought(request: SignedIn, account: Account, form: UploadForm) -> tuple[Import | None, int]:
    if not form.is_valid():
        return None, 400
    file = form.cleaned_data["file"]
    upload = operations.Upload(
        name=file.name, pieces=file.chunks(), format=form.cleaned_data["format"] or None
    )
    try:
        batch = operations.bring(
            account=account, upload=upload, user=request.user, now=timezone.now()
        )
    except BallastError as refusal:
        form.add_error("file", refusal.detail)
        return None, refusal.status
    return batch, 201


@for_investors("GET")
def import_page(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """One file: its rows with what they would become, its symbols, and the decision."""
    batch = _batch(request, account_id, import_id)
    wanted = request.GET.get("status", "")
    wanted = wanted if wanted in RowStatus.values else ""
    page = page_request({"page": request.GET.get("page", "1"), "page_size": str(ROWS_SHOWN)})
    found = import_rows(batch=batch, status=wanted)
    symbols = {key: one.symbol for key, one in meanings(batch=batch).items()}
    rows = list(found[page.offset : page.offset + page.size + 1])
    detail = import_detail(batch)
    counts = detail["counts"]
    return shown(
        request,
        "import",
        {
            "account": batch.account,
            "batch": _named(detail),
            "busy": batch.is_busy,
            "job": batch.job,
            "open": batch.status == ImportStatus.PREVIEW and not batch.is_busy,
            "committed": batch.status == ImportStatus.COMMITTED and not batch.is_busy,
            "rows": [_labelled(import_row(row, symbols=symbols)) for row in rows[: page.size]],
            "status": wanted,
            "filters": [
                ("", "All", counts["rows"]),
                ("ready", "Ready", counts["ready"]),
                ("duplicate", "Duplicates", counts["duplicates"]),
                ("error", "Errors", counts["errors"]),
                ("skipped", "Left out", counts["skipped"]),
            ],
            "page_number": page.number,
            "has_more": len(rows) > page.size,
            "securities": [
                row for row in detail["securities"] if row["how"] not in ("symbol", "isin")
            ][:SYMBOLS_SHOWN],
            "known": assets(user=request.user)[:SUGGESTIONS_MAX],
            "chosen_account": batch.options.get("account", ""),
        },
    )


@for_investors("GET")
def import_progress(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """The card that asks again until the job has ended."""
    batch = _batch(request, account_id, import_id)
    if not batch.is_busy:
        return HttpResponseClientRedirect(reverse("import", args=[account_id, import_id]))
    context = {"account": batch.account, "batch": _named(import_line(batch)), "job": batch.job}
    return shown(request, "_import_progress", context)


@for_investors("POST")
def import_change(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """What the symbols are, which account of the file it is, or whether a row is taken."""
    batch = _batch(request, account_id, import_id)
    try:
        change = _change(request, batch)
        operations.change(batch=batch, user=request.user, now=timezone.now(), **change)
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    where = reverse("import", args=[account_id, import_id])
    status = request.POST.get("status", "")
    return redirect(f"{where}?status={status}" if status in RowStatus.values else where)


def _change(request: SignedIn, batch: Import) -> dict[str, Any]:
    posted = request.POST
    if "choice" in posted:
        choice, _, number = posted["choice"].partition(":")
        if choice not in _CHOICES or not number.isdecimal() or len(number) > 9:
            raise InvalidInput("Choose a row.", code="row_unknown")
        return {choice: [int(number)]}
    if "account" in posted:
        return {"options": {**batch.options, "account": posted["account"][:120]}}
    said = {
        key: text.strip() or None
        for key, text in zip(posted.getlist("key"), posted.getlist("meaning"), strict=False)
    }
    return {"symbols": {key: _meant(text) for key, text in said.items()}}


def _meant(text: str | None) -> str | None:
    return text.lower() if text is not None and text.lower() in ("skip", "create") else text


@for_investors("POST")
def import_commit(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Records the ready rows, all or none."""
    batch = _batch(request, account_id, import_id)
    try:
        done = operations.commit(batch=batch, user=request.user, now=timezone.now())
    except StalePreview as refusal:
        operations.refresh(batch=batch, now=timezone.now())
        messages.error(request, refusal.detail)
    except BallastError as refusal:
        messages.error(request, f"{refusal.detail} Nothing was recorded.")
    else:
        if not done.is_busy:
            messages.success(request, f"Recorded {done.ready_count} transactions.")
    return redirect("import", account_id, import_id)


@for_investors("POST")
def import_remove(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Discards a preview; takes what was recorded back."""
    batch = _batch(request, account_id, import_id)
    try:
        left = operations.remove(batch=batch, user=request.user, now=timezone.now())
    except BallastError as refusal:
        messages.error(request, refusal.detail)
        left = batch
    if left is None:
        messages.success(request, "Discarded. Nothing was recorded.")
        return redirect("imports", account_id)
    if left.status == ImportStatus.UNDONE:
        messages.success(request, "Taken back. Each row has its reversal in the list.")
    target = redirect("import", account_id, import_id)
    return HttpResponseClientRedirect(target.url) if "HX-Request" in request.headers else target


def _batch(request: SignedIn, account_id: UUID, import_id: UUID) -> Import:
    batch = import_batch(user=request.user, public_id=import_id)
    if batch.account.public_id != account_id:
        raise NotFound("No such import.", code="import_not_found")
    return batch


def _labelled(row: dict[str, Any]) -> dict[str, Any]:
    kind = row["transaction"]["type"] if row["transaction"] else ""
    return {**row, "label": TransactionType(kind).label if kind else ""}


def _named(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "format_name": NAMES.get(line["format"], line["format"])}
