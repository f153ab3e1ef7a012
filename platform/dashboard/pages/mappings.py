"""The page that maps the columns of an unknown table, with its first rows as they would be read."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, Conflict
from dashboard.forms.mappings import MappingForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.imports import batch_of
from dashboard.presenters import figures
from transactions.files.reading.interface import ParsedRow, RowProblem
from transactions.ledger.kinds import KINDS
from transactions.models import Import, ImportStatus
from transactions.operations import imports as operations
from transactions.operations.imports import mappings
from transactions.queries.imports import import_line

_OPEN = (ImportStatus.UPLOADED, ImportStatus.PREVIEW, ImportStatus.FAILED)


@for_investors("GET", "POST")
def mapping(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Show the columns of a table with their likely fields; read the table as the form says."""
    batch = _open(request, account_id, import_id)
    form = _form(request, batch)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            operations.change(
                batch=batch,
                user=request.user,
                now=timezone.now(),
                format=mappings.FORMAT,
                mapping=form.mapping(),
                options={**_of_file(batch), **form.options()},
            )
        except BallastError as refusal:
            form.add_error(None, refusal.detail)
            status = refusal.status
        else:
            return redirect("import", account_id, import_id)
    elif form.is_bound:
        status = 400
    context = {"account": batch.account, "line": import_line(batch), "form": form}
    return shown(request, "import_mapping", {**context, **_sampled(form, batch)}, status=status)


@for_investors("POST")
def mapping_sample(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Return the first rows as the form says they are read, and the words of the chosen types."""
    batch = _open(request, account_id, import_id)
    form = _form(request, batch)
    context = {"account": batch.account, "form": form, "words_changed": form.words_changed}
    return shown(request, "_mapping_sample", {**context, **_sampled(form, batch)})


def _open(request: SignedIn, account_id: UUID, import_id: UUID) -> Import:
    batch = batch_of(request, account_id, import_id)
    if batch.status not in _OPEN or batch.is_busy:
        raise Conflict(
            "The file is being processed or was already recorded. Open it again.",
            code="not_in_preview",
        )
    return batch


def _of_file(batch: Import) -> dict[str, Any]:
    """Return the options that the form does not ask for."""
    return {n: batch.options[n] for n in ("account", "encoding", "zone") if n in batch.options}


def _form(request: SignedIn, batch: Import) -> MappingForm:
    table = mappings.table_of(batch=batch)
    options = dict(batch.options) or {"amount_sign": "none" if table.columns.get("type") else "in"}
    options.setdefault("currency", batch.account.currency)
    data = request.POST if request.method == "POST" else None
    return MappingForm(data, table=table, options=options)


@dataclass(frozen=True, slots=True)
class ShownSample:
    """One of the first rows, as it would be read."""

    line: int
    label: str
    day: str
    security: str
    quantity: str
    price: str
    amount: str
    fee: str
    currency: str
    problems: tuple[RowProblem, ...]
    # Why the row is left out, and what the reader decided.
    remarks: tuple[RowProblem, ...]


def _sampled(form: MappingForm, batch: Import) -> dict[str, Any]:
    """Return the sample of the form's present state, or why there is none."""
    if form.is_bound and not form.is_valid():
        return {"sample": [], "refusal": "Choose from the lists."}
    try:
        columns = form.mapping() if form.is_bound else form.table.columns
        options = form.options() if form.is_bound else _initial_options(form)
    except BallastError as refusal:
        return {"sample": [], "refusal": refusal.detail}
    found = mappings.sample(
        batch=batch,
        mapping=columns,
        options={**_of_file(batch), **options},
        now=timezone.now(),
    )
    return {
        "sample": [_shown(row) for row in found.rows],
        "refusal": found.refusal.detail if found.refusal else "",
    }


def _initial_options(form: MappingForm) -> dict[str, Any]:
    types = {word: kind for word, kind in form.words if kind}
    names = ("date_order", "decimal", "currency", "amount_sign", "amount_includes_fee")
    stated = {name: form.initial.get(name) for name in names}
    return {"types": types, "without_heading": form.table.without_heading, **stated}


def _shown(row: ParsedRow) -> ShownSample:
    draft = row.entry
    skipped = (row.skipped,) if row.skipped else ()
    remarks = (*skipped, *row.warnings)
    if draft is None:
        cells = " ".join(row.raw.values())
        return ShownSample(row.line, "", "", cells, "", "", "", "", "", row.problems, remarks)
    quantity, price, amount, fee = (
        "" if value is None else figures.exact(value)
        for value in (draft.quantity, draft.price, draft.amount, draft.fee or None)
    )
    return ShownSample(
        line=row.line,
        label=KINDS[draft.type].label,
        day=draft.executed_at.date().isoformat(),
        security=draft.security.symbol or draft.security.name or draft.security.isin,
        quantity=quantity,
        price=price,
        amount=amount,
        fee=fee,
        currency=draft.currency,
        problems=row.problems,
        remarks=remarks,
    )
