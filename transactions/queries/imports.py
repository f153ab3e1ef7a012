"""Imports: the uploaded files, the status of each row, and the meaning of their securities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.errors import InvalidInput, NotFound
from identity.models import User
from jobs.models import JobStatus
from transactions.files.drafts import decoded
from transactions.files.reading.interface import Draft, RowProblem
from transactions.models import Import, ImportRow, RowStatus
from transactions.queries.import_symbols import meanings, suggestions
from transactions.queries.ledger import account


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The number of rows of a file by status."""

    rows: int
    ready: int
    duplicates: int
    errors: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The reason a file could not be read or recorded."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """An import as shown in a list; `status` includes the step of a running job."""

    id: UUID
    account_id: UUID
    format: str
    format_score: Decimal | None
    status: str
    is_busy: bool
    file_name: str
    file_bytes: int
    file_sha256: str
    counts: RowCounts
    from_date: date | None
    to_date: date | None
    job_id: UUID | None
    progress: int
    error: Fault | None
    created_at: datetime
    committed_at: datetime | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class FileSecurity:
    """A security as named in the file, how it was matched, and the asset it becomes.

    `how`: mapped, created or skipped by the user; matched by symbol or isin; or unknown.
    """

    key: str
    symbol: str
    isin: str
    name: str
    currency: str
    rows: int
    how: str
    becomes: str | None
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionChange:
    """The units of a security in the account, without the import and with it."""

    symbol: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class BalanceDifference:
    """The first row whose balance our rows do not explain.

    `stated_change` is what the file's balance changed by since the balance before, `our_change`
    what our rows add. `reason`: rows_refused, rows_left_out or figures_differ.
    """

    line: int
    row: int
    stated_change: Decimal
    our_change: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class StatementCheck:
    """How many balances of the file were compared, how many differ, and the first that does."""

    checkpoints: int
    differences: int
    opening: Decimal
    closing: Decimal
    first_difference: BalanceDifference | None


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """The account after the import.

    `statement` is None if the file states no balances after its rows, `holdings` if it states no
    positions and no cash of a day; positions and cash are in the form of a reconciliation.
    """

    currency: str
    cash_before: Decimal
    cash_after: Decimal
    positions: tuple[PositionChange, ...]
    position_count: int
    statement: StatementCheck | None
    holdings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImportDetail:
    """An import with the meaning of its symbols, its reading options and its outcome."""

    line: ImportLine
    mapping: Mapping[str, str]
    options: Mapping[str, Any]
    accounts: Sequence[str]
    securities: tuple[FileSecurity, ...]
    # None before the file has been read.
    outcome: ImportOutcome | None

    @property
    def unmapped(self) -> tuple[FileSecurity, ...]:
        """The securities that the user must map."""
        return tuple(one for one in self.securities if one.how == "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row of a file: its status, the transaction it would become, and its problems.

    `symbol` and `new_symbol` are ours; the draft keeps the file's symbols.
    """

    number: int
    line: int
    status: str
    choice: str
    transaction_id: UUID
    draft: Draft | None
    symbol: str | None
    new_symbol: str | None
    problems: tuple[RowProblem, ...]
    warnings: tuple[RowProblem, ...]
    cells: Mapping[str, str]


def imports(*, user: User, account_id: UUID | None = None) -> "QuerySet[Import]":
    """Return the imports of the accounts a user may see, newest first, without large fields."""
    rows = Import.objects.for_user(user).select_related("account", "job")
    if account_id is not None:
        rows = rows.filter(account=account(user=user, public_id=account_id))
    return rows.order_by("-created_at", "-id")


def import_batch(*, user: User, public_id: UUID) -> Import:
    """Return one import, if this user may see its account."""
    found = imports(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The import does not exist, or you have no access to it.", code="import_not_found"
        )
    return found


def import_rows(*, batch: Import, status: str | None = None) -> "QuerySet[ImportRow]":
    """Return the rows of an import in the order of the file."""
    rows = ImportRow.objects.filter(batch=batch)
    if status:
        if status not in RowStatus.values:
            raise InvalidInput(
                "The row status does not exist. Send one of those listed in errors.",
                code="status_unknown",
                fields={"status": [f"must be one of {', '.join(RowStatus.values)}"]},
            )
        rows = rows.filter(status=status)
    return rows.order_by("number")


def import_line(batch: Import) -> ImportLine:
    """Return an import as shown in a list; needs `account` and `job` loaded."""
    error = batch.error
    if error is None and batch.job is not None and batch.job.status == JobStatus.FAILED:
        error = batch.job.error
    return ImportLine(
        id=batch.public_id,
        account_id=batch.account.public_id,
        format=batch.format,
        format_score=batch.format_score,
        status=batch.state,
        is_busy=batch.is_busy,
        file_name=batch.file_name,
        file_bytes=batch.file_bytes,
        file_sha256=batch.file_sha256,
        counts=RowCounts(
            rows=batch.row_count,
            ready=batch.ready_count,
            duplicates=batch.duplicate_count,
            errors=batch.error_count,
            skipped=batch.skipped_count,
        ),
        from_date=batch.from_date,
        to_date=batch.to_date,
        job_id=batch.job.public_id if batch.job else None,
        progress=batch.job.progress if batch.job else 0,
        error=None if error is None else Fault(error["code"], error["detail"]),
        created_at=batch.created_at,
        committed_at=batch.committed_at,
        undone_at=batch.undone_at,
    )


def import_detail(batch: Import) -> ImportDetail:
    """Return an import with the meaning of its symbols; two or three more queries."""
    found = meanings(batch=batch)
    unknown = [row for row in batch.securities if found[row["key"]].how == "unknown"]
    offers = suggestions(batch=batch, unknown=unknown) if unknown else {}
    securities = tuple(
        FileSecurity(
            key=row["key"],
            symbol=row["symbol"],
            isin=row["isin"],
            name=row["name"],
            currency=row["currency"],
            rows=row["rows"],
            how=found[row["key"]].how,
            becomes=found[row["key"]].symbol,
            suggestions=tuple(offers.get(row["key"], ())),
        )
        for row in batch.securities
    )
    return ImportDetail(
        import_line(batch),
        batch.mapping,
        batch.options,
        batch.accounts,
        securities,
        _outcome(batch.outcome) if batch.outcome else None,
    )


def _outcome(stored: Mapping[str, Any]) -> ImportOutcome:
    return ImportOutcome(
        currency=stored["currency"],
        cash_before=Decimal(stored["cash_before"]),
        cash_after=Decimal(stored["cash_after"]),
        positions=tuple(
            PositionChange(one["symbol"], Decimal(one["before"]), Decimal(one["after"]))
            for one in stored["positions"]
        ),
        position_count=stored["position_count"],
        statement=_statement(stored["statement"]) if stored["statement"] else None,
        holdings=stored.get("holdings"),
    )


def _statement(stored: Mapping[str, Any]) -> StatementCheck:
    first = stored["first_difference"]
    return StatementCheck(
        checkpoints=stored["checkpoints"],
        differences=stored["differences"],
        opening=Decimal(stored["opening"]),
        closing=Decimal(stored["closing"]),
        first_difference=first
        and BalanceDifference(
            line=first["line"],
            row=first["row"],
            stated_change=Decimal(first["stated_change"]),
            our_change=Decimal(first["our_change"]),
            reason=first["reason"],
        ),
    )


def file_rows(*, batch: Import, rows: Sequence[ImportRow]) -> list[FileRow]:
    """Return rows with the transactions they would become; two queries for any number of rows."""
    symbols = {key: found.symbol for key, found in meanings(batch=batch).items()} if rows else {}
    return [_file_row(row, symbols) for row in rows]


def _file_row(row: ImportRow, symbols: Mapping[str, str | None]) -> FileRow:
    draft = decoded(row.draft) if row.draft else None
    skipped = [row.skipped] if row.skipped else []
    # What was found of a row that may be recorded all the same is a warning.
    doubts = row.findings if row.status == RowStatus.READY else []
    faults = [] if doubts else row.findings
    return FileRow(
        number=row.number,
        line=row.line,
        status=row.status,
        choice=row.choice,
        transaction_id=row.public_id,
        draft=draft,
        symbol=symbols.get(draft.security.key) if draft else None,
        new_symbol=symbols.get(draft.new_security.key) if draft else None,
        problems=tuple(_problem(one) for one in (*row.problems, *faults, *skipped)),
        warnings=tuple(_problem(one) for one in (*row.warnings, *doubts)),
        cells=row.raw,
    )


def _problem(stored: Mapping[str, str]) -> RowProblem:
    return RowProblem(stored["code"], stored["detail"], stored["column"])
