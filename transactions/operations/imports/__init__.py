"""Files of transactions: uploaded, previewed, changed, committed, undone or discarded.

    uploaded --read--> preview --commit--> committed --undo--> undone
                          | change (checked again), discard

A request processes small files itself; a job processes large ones. One database transaction writes
the result of the job, the import's new status and all rows, and first locks the import's row. So a
step happens once or not at all, even if a worker is killed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from core.errors import Conflict, InvalidInput, NotFound
from core.limits import (
    IMPORT_BYTES_AT_ONCE_MAX,
    IMPORT_BYTES_PER_HOUSEHOLD_MAX,
    IMPORT_DAYS_WAITING_MAX,
    IMPORT_ROWS_AT_ONCE_MAX,
    IMPORTS_OPEN_PER_HOUSEHOLD_MAX,
    NAME_LENGTH_MAX,
)
from identity.models import User
from identity.operations.households import locked_household
from jobs.models import Job, Queue
from jobs.operations import Claim, Ending, Told, complete, enqueue, fail, result_written
from stores.locks import locked_in_line
from transactions.files.formats.detection import FORMATS, HEAD_BYTES, recognize
from transactions.models import Account, Import, ImportRow, ImportStatus, Transaction
from transactions.operations.books.booking import is_long
from transactions.operations.imports import committing, files, mappings, reading
from transactions.operations.imports.judging import judge
from transactions.operations.imports.symbols import stated
from transactions.operations.told_actions import restated_rows

IMPORT = "transactions.import"
# Rows that a worker reads and records per second; used only for the estimate shown.
_ROWS_PER_S = 3_000
_BYTES_PER_ROW = 80
_OPEN = (ImportStatus.UPLOADED, ImportStatus.PREVIEW, ImportStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file, and the options its user states."""

    name: str
    pieces: Iterable[bytes]
    format: str | None = None
    mapping: Mapping[str, str] | None = None
    options: Mapping[str, Any] | None = None
    symbols: Mapping[str, Any] | None = None
    # Keep a table that cannot be read yet, so that a person can say how.
    keep_unread: bool = False


def bring(
    *, account: Account, upload: Upload, user: User, now: datetime, at_once: bool = False
) -> Import:
    """Store a file for an account and read it into a preview.

    A job reads a large file, unless the caller asks to read it `at_once`.
    """
    if upload.format is not None and upload.format not in FORMATS:
        raise _unknown_format()
    with transaction.atomic():
        _ensure_room(account)
        batch = Import.objects.create(
            account=account,
            created_at=now,
            created_by=user,
            format=upload.format or "",
            format_is_chosen=upload.format is not None,
            file_name=_plain_name(upload.name),
            mapping=dict(upload.mapping or {}),
            options=dict(upload.options or {}),
            symbols=dict(upload.symbols or {}),
        )
        files.store(batch=batch, pieces=upload.pieces)
        try:
            with transaction.atomic():
                batch.format = _format_of(batch)
                _ensure_bytes(batch)
                if at_once:
                    _read(batch, now)
                else:
                    _read_or_enqueue(batch, user, now)
        except InvalidInput as refusal:
            if not (upload.keep_unread and mappings.is_mendable(batch=batch, code=refusal.code)):
                raise
            _ensure_bytes(batch)
            batch.status = ImportStatus.FAILED
            batch.error = {"code": refusal.code, "detail": refusal.detail}
        batch.save()
    return batch


def _ensure_room(account: Account) -> None:
    locked_household(household_id=account.household_id)
    waiting = Import.objects.filter(
        account__household_id=account.household_id, status__in=_OPEN
    ).count()
    if waiting >= IMPORTS_OPEN_PER_HOUSEHOLD_MAX:
        raise Conflict(
            f"{waiting} files are waiting for your decision. Commit or discard some of them.",
            code="too_many_imports",
        )


def _ensure_bytes(batch: Import) -> None:
    """Refuse a file that would exceed the household's limit on stored bytes."""
    waiting = Import.objects.filter(
        account__household_id=batch.account.household_id, status__in=_OPEN
    ).exclude(pk=batch.pk)
    stored = waiting.aggregate(total=Sum("file_bytes"))["total"] or 0
    if stored + batch.file_bytes > IMPORT_BYTES_PER_HOUSEHOLD_MAX:
        raise Conflict(
            f"Files of {stored} bytes are waiting for your decision; at most "
            f"{IMPORT_BYTES_PER_HOUSEHOLD_MAX} are kept: commit or discard some.",
            code="too_many_import_bytes",
        )


def _plain_name(name: str) -> str:
    return "".join(sign for sign in name if sign.isprintable())[:NAME_LENGTH_MAX]


def _unknown_format() -> InvalidInput:
    return InvalidInput(
        "The file format is not supported. Choose one of those listed.",
        code="format_unknown",
        fields={"format": [f"must be one of {', '.join(FORMATS)}"]},
    )


def _format_of(batch: Import) -> str:
    """Return the format the user named, else the detected one; a table if columns are mapped.

    A heading that the household has mapped before is mapped in the same way.

    Refuses faults that the head of a file shows: archives, other encodings, unknown headings.
    """
    head = files.head(batch=batch)[:HEAD_BYTES]
    if not head.strip():
        raise InvalidInput(
            "The file is empty. Choose another one.",
            code="file_empty",
            fields={"file": ["is empty"]},
        )
    batch.format_score = None
    mappings.note_heading(batch=batch, head=head)
    if batch.format_is_chosen:
        return batch.format
    if mappings.recall(batch=batch):
        return mappings.FORMAT
    found = recognize(head)
    if found is not None and found.name in FORMATS and (found.score == 1 or not batch.mapping):
        batch.format_score = found.score
        return found.name
    if batch.mapping:
        return mappings.FORMAT
    raise InvalidInput(
        "No known format has these columns. Name the format, or map the columns.",
        code="format_unknown",
        fields={"file": ["is of no known format"]},
    )


def change(
    *,
    batch: Import,
    user: User,
    now: datetime,
    format: str | None = None,  # noqa: A002 - the API's word
    mapping: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    symbols: Mapping[str, Any] | None = None,
    include: Iterable[int] = (),
    exclude: Iterable[int] = (),
    reset: Iterable[int] = (),
) -> Import:
    """Change how a file is read or which rows are imported, and check its rows again."""
    with transaction.atomic():
        locked = _locked(batch)
        _ensure(locked, *_OPEN)
        if format is not None and format not in FORMATS:
            raise _unknown_format()
        reread = locked.status != ImportStatus.PREVIEW or any(
            told is not None for told in (format, mapping, options)
        )
        if format is not None:
            locked.format, locked.format_is_chosen = format, True
        if mapping is not None:
            locked.mapping = dict(mapping)
        if options is not None:
            locked.options = dict(options)
        if symbols is not None:
            kept = {key: said for key, said in locked.symbols.items() if key not in symbols}
            wanted = {key: said for key, said in symbols.items() if said is not None}
            locked.symbols = {
                **kept,
                **(wanted if reread else stated(batch=locked, symbols=wanted)),
            }
        if reread:
            _read_or_enqueue(locked, user, now)
        else:
            _choose(locked, include, exclude, reset)
            judge(batch=locked, now=now)
        locked.save()
    return locked


def _choose(
    batch: Import, include: Iterable[int], exclude: Iterable[int], reset: Iterable[int]
) -> None:
    for choice, numbers in (("include", include), ("exclude", exclude), ("", reset)):
        wanted = set(numbers)
        if not wanted:
            continue
        rows = ImportRow.objects.filter(batch=batch, number__in=wanted)
        if rows.update(choice=choice) != len(wanted):
            raise InvalidInput(
                "The file has no row with this number. Read its rows again.",
                code="row_unknown",
                fields={choice or "reset": ["names a row that does not exist"]},
            )


def commit(*, batch: Import, user: User, now: datetime, at_once: bool = False) -> Import:
    """Record the ready rows in one transaction, now or, if they are many, by a job."""
    with transaction.atomic():
        locked = _locked(batch)
        _ensure(locked, ImportStatus.PREVIEW)
        if not locked.ready_count and not restated_rows(locked).exists():
            raise Conflict(
                "No row of the file is ready. Map its symbols, or include rows by hand.",
                code="nothing_ready",
            )
        if not at_once and _takes_long(locked, locked.row_count):
            _enqueue(locked, "commit", user, now, rows=locked.ready_count)
        else:
            committing.write(batch=locked, user=user, now=now)
            mappings.remember(batch=locked, now=now)
            locked.step = "commit"
        locked.save()
    return locked


def _takes_long(batch: Import, rows: int) -> bool:
    """Return whether a step needs a job: many rows, or a ledger that takes long to rebook."""
    return rows > IMPORT_ROWS_AT_ONCE_MAX or is_long(household_id=batch.account.household_id)


def refresh(*, batch: Import, now: datetime) -> None:
    """Check the rows of a preview against the ledger as it is now."""
    with transaction.atomic():
        locked = _locked(batch)
        if locked.status == ImportStatus.PREVIEW and not locked.is_busy:
            judge(batch=locked, now=now)
            locked.save()


def remove(*, batch: Import, user: User, now: datetime) -> Import | None:
    """Discard a file that is not in the ledger and return None, or undo one that is."""
    with transaction.atomic():
        locked = _locked(batch)
        _ensure(locked, *_OPEN, ImportStatus.COMMITTED)
        if locked.status != ImportStatus.COMMITTED:
            locked.delete()
            return None
        count = Transaction.objects.filter(import_batch=locked).count()
        if _takes_long(locked, count):
            _enqueue(locked, "undo", user, now, rows=count)
        else:
            committing.undo(batch=locked, user=user, now=now)
            locked.step = "undo"
        locked.save()
    return locked


def run(claim: Claim, now: datetime, told: Told) -> None:
    """Perform the step of a job and write its result, in one transaction."""
    with result_written():
        batch = _of_claim(claim)
        assert claim.requested_by_id is not None, "a file is brought by somebody"
        user = User.objects.get(pk=claim.requested_by_id)
        step = claim.params["step"]
        if step == "read":
            _read(batch, now, told=told)
        elif step == "commit":
            _ensure_status(batch, ImportStatus.PREVIEW)
            committing.write(batch=batch, user=user, now=now, told=told)
            mappings.remember(batch=batch, now=now)
        else:
            _ensure_status(batch, ImportStatus.COMMITTED)
            committing.undo(batch=batch, user=user, now=now, told=told)
        batch.error = None
        batch.save()
        complete(
            claim=claim,
            result={"import_id": str(batch.public_id), "status": batch.status, **counts(batch)},
        )


def give_up(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed; the import keeps its status and shows the reason."""
    detail = ending.detail
    if ending.code == "computation_timeout":
        detail += " Split the file."
    with transaction.atomic():
        found = Import.objects.filter(public_id=UUID(claim.params["import_id"])).first()
        if found is not None:
            batch = _locked(found)
            batch.error = {"code": ending.code, "detail": detail}
            if batch.status == ImportStatus.UPLOADED:
                batch.status = ImportStatus.FAILED
            elif ending.code == committing.StalePreview.code:
                judge(batch=batch, now=now)
            batch.save()
        fail(
            claim=claim,
            code=ending.code,
            detail=detail,
            account_name=_account_name(claim.subject_id),
            now=now,
        )


def _account_name(public_id: UUID) -> str:
    names = Account.objects.filter(public_id=public_id).values_list("name", flat=True)
    return names.first() or ""


def forget_old(*, now: datetime) -> tuple[int, int]:
    """Discard previews after 30 days, delete rows 90 days after the commit; return both counts."""
    waited = Import.objects.filter(
        status__in=_OPEN, created_at__lt=now - timedelta(days=IMPORT_DAYS_WAITING_MAX)
    )
    discarded = 0
    for pk in waited.order_by("id").values_list("pk", flat=True)[:1000]:
        discarded += Import.objects.filter(pk=pk, status__in=_OPEN).delete()[0] > 0
    dropped, _ = ImportRow.objects.filter(
        batch__status__in=(ImportStatus.COMMITTED, ImportStatus.UNDONE),
        batch__committed_at__lt=now - timedelta(days=90),
    ).delete()
    return discarded, dropped


def counts(batch: Import) -> dict[str, int]:
    """Return the number of rows by status."""
    return {
        "rows": batch.row_count,
        "ready": batch.ready_count,
        "duplicates": batch.duplicate_count,
        "errors": batch.error_count,
        "skipped": batch.skipped_count,
    }


def _read(
    batch: Import, now: datetime, *, rows_max: int | None = None, told: Told | None = None
) -> None:
    """Read the file into rows and check them; each is half of the progress given to `told`."""
    batch.format = _format_of(batch)
    with files.opened(batch=batch) as file:
        reading.read(batch=batch, file=file, now=now, rows_max=rows_max, told=_part(told, 0))
    known = {row["key"] for row in batch.securities}
    said = {key: value for key, value in batch.symbols.items() if not _is_stated(value)}
    batch.symbols = {
        **{key: value for key, value in batch.symbols.items() if key not in said and key in known},
        **stated(batch=batch, symbols=said),
    }
    judge(batch=batch, now=now, told=_part(told, 50))
    batch.status, batch.error = ImportStatus.PREVIEW, None


def _read_or_enqueue(batch: Import, user: User, now: datetime) -> None:
    """Read a small file now; leave one of many bytes or many rows to a job."""
    if batch.file_bytes <= IMPORT_BYTES_AT_ONCE_MAX:
        try:
            with transaction.atomic():
                _read(batch, now, rows_max=IMPORT_ROWS_AT_ONCE_MAX)
        except reading.TooManyAtOnce:
            batch.status = ImportStatus.UPLOADED
        else:
            return
    _enqueue(batch, "read", user, now, rows=batch.file_bytes // _BYTES_PER_ROW)


def _part(told: Told | None, start: int) -> Told | None:
    """Return a callback that maps the progress of one half to half of the percentage."""
    if told is None:
        return None
    return lambda percent: told(start + percent // 2)


def _is_stated(value: Any) -> bool:
    return isinstance(value, dict) and "action" in value


def _locked(batch: Import) -> Import:
    """Lock and return the import's row with its account."""
    rows = Import.objects.select_related("account__owner", "job").filter(pk=batch.pk)
    found = locked_in_line(rows, household_id=batch.account.household_id, of=("self",))
    if not found:
        raise NotFound(
            "The import does not exist, or you have no access to it.", code="import_not_found"
        )
    return found[0]


def _of_claim(claim: Claim) -> Import:
    batch = Import.objects.filter(public_id=UUID(claim.params["import_id"])).first()
    if batch is None:
        raise NotFound("The file was discarded.", code="import_not_found")
    return _locked(batch)


def _ensure(batch: Import, *allowed: str) -> None:
    if batch.is_busy:
        raise Conflict(
            "A job is working on this import. Try again when it has ended.", code="import_busy"
        )
    _ensure_status(batch, *allowed)


def _ensure_status(batch: Import, *allowed: str) -> None:
    if batch.status not in allowed:
        raise Conflict(
            f"The import is {batch.status}, so this is not possible.",
            code={
                ImportStatus.COMMITTED: "already_committed",
                ImportStatus.UNDONE: "already_undone",
            }.get(ImportStatus(batch.status), "not_in_preview"),
        )


def _enqueue(batch: Import, step: str, user: User, now: datetime, *, rows: int) -> Job:
    job = enqueue(
        kind=IMPORT,
        queue=Queue.IMPORTS,
        user=user,
        household_id=batch.account.household_id,
        subject_id=batch.account.public_id,
        params={"import_id": str(batch.public_id), "step": step},
        now=now,
        estimate_s=2 + rows / _ROWS_PER_S,
    )
    batch.job, batch.step, batch.error = job, step, None
    return job


__all__ = [
    "IMPORT",
    "Upload",
    "bring",
    "change",
    "commit",
    "counts",
    "forget_old",
    "give_up",
    "refresh",
    "remove",
    "run",
]
