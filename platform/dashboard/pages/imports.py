"""Files of transactions: uploaded, reviewed row by row, recorded, and undone."""

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
from dashboard.presenters.imports import shown_rows
from dashboard.presenters.reconciliations import shown_cash, shown_positions
from edge.pagination import keyset_page, page_request
from marketdata.queries import assets
from transactions import queries as ledger
from transactions.files.formats.ballast_template import COLUMNS, template
from transactions.files.formats.detection import FORMATS as READ
from transactions.files.formats.detection import title_of
from transactions.files.writing import FORMATS as WRITTEN
from transactions.ledger.kinds import KINDS
from transactions.models import Account, Import, ImportState, ImportStatus, RowStatus
from transactions.operations import imports as operations
from transactions.operations.imports.committing import StalePreview
from transactions.operations.imports.figures import undoing
from transactions.operations.imports.mappings import FORMAT, table_of
from transactions.operations.told_actions import restated_rows
from transactions.queries.imports import (
    ImportDetail,
    ImportLine,
    import_batch,
    import_detail,
    import_line,
    import_rows,
)
from transactions.queries.imports import imports as listed

ROWS_SHOWN = 50
FILES_SHOWN = 20
SUGGESTIONS_MAX = 300
SYMBOLS_SHOWN = 200
PASTED_CHARS_MAX = 1_000_000
_CHOICES = {"include", "exclude", "reset"}


class UploadForm(forms.Form):
    """A file or pasted cells, and the format if that is not to be detected."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text="CSV, JSON, OFX or XML, up to 50 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.json,.ofx,.qfx,.xml,.txt"}),
    )
    pasted = forms.CharField(
        label="Or paste cells",
        required=False,
        strip=False,
        max_length=PASTED_CHARS_MAX,
        help_text="Copy them from a spreadsheet, if possible with the row of column names.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    format = forms.ChoiceField(
        label="Format",
        required=False,
        choices=[
            ("", "Detect from the file"),
            *((name, declared.title) for name, declared in READ.items() if name != FORMAT),
        ],
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and data.get("file") is None and not data.get("pasted", "").strip():
            self.add_error("file", "Choose a file, or paste cells below.")
        return data

    def upload(self) -> operations.Upload:
        """Return the file, or the cells as one, kept even if a person must say how to read it."""
        file, chosen = self.cleaned_data["file"], self.cleaned_data["format"] or None
        if file is None:
            cells = self.cleaned_data["pasted"].strip("\r\n")
            return operations.Upload(
                name="Pasted cells", pieces=[cells.encode()], format=chosen, keep_unread=True
            )
        return operations.Upload(
            name=file.name, pieces=file.chunks(), format=chosen, keep_unread=True
        )


@for_investors("GET", "POST")
def imports(request: SignedIn, account_id: UUID) -> HttpResponse:
    """List the files of an account, with a form for a new one and the exports."""
    account = ledger.account(user=request.user, public_id=account_id)
    bound = request.method == "POST"
    form = UploadForm(request.POST if bound else None, request.FILES if bound else None)
    status = 200
    if bound:
        batch, status = _brought(request, account, form)
        if batch is not None:
            unread = batch.status == ImportStatus.FAILED
            return redirect("mapping" if unread else "import", account_id, batch.public_id)
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
            "rows": [(line, title_of(line.format)) for line in map(import_line, rows)],
            "next_cursor": following,
            "exports": [(name, written.title) for name, written in WRITTEN.items()],
            "columns": COLUMNS,
            "kinds": list(KINDS.values()),
        },
        status=status,
    )


@for_investors("GET")
def import_template(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Return the template of our own CSV: every column and every kind of transaction."""
    ledger.account(user=request.user, public_id=account_id)
    return HttpResponse(
        "".join(template()),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="ballast-template.csv"'},
    )


def _brought(request: SignedIn, account: Account, form: UploadForm) -> tuple[Import | None, int]:
    if not form.is_valid():
        return None, 400
    try:
        batch = operations.bring(
            account=account, upload=form.upload(), user=request.user, now=timezone.now()
        )
    except BallastError as refusal:
        form.add_error("file" if form.cleaned_data["file"] else "pasted", refusal.detail)
        return None, refusal.status
    return batch, 201


@for_investors("GET")
def import_page(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Show one file: its rows with the resulting transactions, its symbols, and the decision."""
    batch = batch_of(request, account_id, import_id)
    wanted = request.GET.get("status", "")
    wanted = wanted if wanted in RowStatus.values else ""
    page = page_request({"page": request.GET.get("page", "1"), "page_size": str(ROWS_SHOWN)})
    found = import_rows(batch=batch, status=wanted)
    rows = list(found[page.offset : page.offset + page.size + 1])
    detail = import_detail(batch)
    line, counts = detail.line, detail.line.counts
    return shown(
        request,
        "import",
        {
            "account": batch.account,
            "file": detail,
            "line": line,
            "format_name": title_of(line.format),
            "recognized_percent": _recognized_percent(line),
            "open": line.status == ImportState.PREVIEW,
            # A table can be mapped by hand until it is recorded.
            "mappable": _is_mappable(batch, line),
            "may_record": counts.ready or restated_rows(batch).exists(),
            "committed": line.status == ImportState.COMMITTED,
            "rows": shown_rows(batch=batch, rows=rows[: page.size], now=timezone.now()),
            "undoing": undoing(batch=batch) if line.status == ImportState.COMMITTED else None,
            "first_difference_page": _page_of_difference(detail),
            "stated": _stated(detail),
            "status": wanted,
            "filters": [
                ("", "All", counts.rows),
                ("ready", "Ready" if batch.committed_at is None else "Recorded", counts.ready),
                ("duplicate", "Duplicates", counts.duplicates),
                ("error", "Errors", counts.errors),
                ("skipped", "Left out", counts.skipped),
            ],
            "page_number": page.number,
            "has_more": len(rows) > page.size,
            "securities": [one for one in detail.securities if one.how not in ("symbol", "isin")][
                :SYMBOLS_SHOWN
            ],
            "known": assets(user=request.user)[:SUGGESTIONS_MAX],
            "chosen_account": batch.options.get("account", ""),
        },
    )


@for_investors("GET")
def import_progress(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Return the card that polls until the job has ended."""
    batch = batch_of(request, account_id, import_id)
    if not batch.is_busy:
        return HttpResponseClientRedirect(reverse("import", args=[account_id, import_id]))
    context = {"account": batch.account, "line": import_line(batch)}
    return shown(request, "_import_progress", context)


@for_investors("POST")
def import_change(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Set the symbols, the account of the file, or whether a row is included."""
    batch = batch_of(request, account_id, import_id)
    try:
        change = _change(request, batch)
        changed = operations.change(batch=batch, user=request.user, now=timezone.now(), **change)
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        _report_unknown(request, changed, change.get("symbols", {}))
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
    if "decide" in posted:
        # A button beside one security says what it becomes: 3:create, 3:skip, 3:AAPL.
        place, _, meaning = posted["decide"].partition(":")
        if not place.isdecimal() or len(place) > 9 or int(place) >= len(said) or not meaning:
            raise InvalidInput("Choose a security.", code="symbol_not_in_file")
        said[list(said)[int(place)]] = meaning
    return {"symbols": {key: _meant(text) for key, text in said.items()}}


def _report_unknown(request: SignedIn, batch: Import, said: dict[str, str | None]) -> None:
    """Show an error that lists the entered symbols that do not exist."""
    unknown = {one.key for one in import_detail(batch).unmapped}
    wrong = [text for key, text in said.items() if text and key in unknown]
    if wrong:
        messages.error(
            request,
            f"{', '.join(wrong)}: no such symbol is known. Choose another one, or create an asset "
            "of your own.",
        )


def _meant(text: str | None) -> str | None:
    return text.lower() if text is not None and text.lower() in ("skip", "create") else text


@for_investors("POST")
def import_commit(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Record the ready rows, all or none."""
    batch = batch_of(request, account_id, import_id)
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
    """Discard a preview, or undo the recorded rows."""
    batch = batch_of(request, account_id, import_id)
    try:
        left = operations.remove(batch=batch, user=request.user, now=timezone.now())
    except BallastError as refusal:
        messages.error(request, refusal.detail)
        left = batch
    if left is None:
        messages.success(request, "The file was discarded. Nothing was recorded.")
        return redirect("imports", account_id)
    if left.status == ImportStatus.UNDONE:
        messages.success(request, "The import was undone: each of its transactions was reversed.")
    target = redirect("import", account_id, import_id)
    return HttpResponseClientRedirect(target.url) if "HX-Request" in request.headers else target


def _is_mappable(batch: Import, line: ImportLine) -> bool:
    """Return whether a person can still say what the columns of the file are."""
    if line.status == ImportState.PREVIEW:
        return bool(batch.heading_sha256) or line.format == FORMAT
    return line.status == ImportState.FAILED and table_of(batch=batch).heading is not None


def _stated(detail: ImportDetail) -> dict[str, Any] | None:
    """Return what the file states of a day beside the account after the import, if it does."""
    found = detail.outcome.holdings if detail.outcome else None
    if found is None:
        return None
    parted, _ = shown_positions(found, {})
    return {**found, "parted": parted, "cash": shown_cash(found, {})}


def _page_of_difference(detail: ImportDetail) -> int:
    """Return the page of the row where the file's balance and ours part; 0 if there is none."""
    check = detail.outcome.statement if detail.outcome else None
    if check is None or check.first_difference is None:
        return 0
    return (check.first_difference.row - 1) // ROWS_SHOWN + 1


def _recognized_percent(line: ImportLine) -> int | None:
    """Return how much of the columns the format knows, where it was recognized only by most."""
    score = line.format_score
    return None if score is None or score == 1 else int(100 * score)


def batch_of(request: SignedIn, account_id: UUID, import_id: UUID) -> Import:
    """Return an import of the account in the address; raise NotFound if it is of another one."""
    batch = import_batch(user=request.user, public_id=import_id)
    if batch.account.public_id != account_id:
        raise NotFound("No such import.", code="import_not_found")
    return batch
