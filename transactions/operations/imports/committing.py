"""Write the ready rows of a file to the ledger, or undo them: all or none."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet
from psycopg.errors import DeadlockDetected, UniqueViolation

from core.errors import BallastError, Conflict, InvalidInput
from identity.models import User
from jobs.operations import announce
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol
from transactions.files.drafts import Names, decoded, entry_of
from transactions.ledger.entries import Entry
from transactions.models import (
    Import,
    ImportChunk,
    ImportRow,
    ImportStatus,
    RowStatus,
    Transaction,
)
from transactions.operations.actions.restating import book_restated_again, restate
from transactions.operations.books.households import lock_household, unlocked_household
from transactions.operations.histories import (
    LedgerMoved,
    finish_history,
    write_history,
    write_reversals,
)
from transactions.operations.imports.judging import judge, standing_of, understood
from transactions.operations.imports.settling import Stated, base_currency, settled
from transactions.operations.imports.symbols import create_assets
from transactions.operations.ledger import record_reversed
from transactions.operations.told_actions import restated_rows
from transactions.queries.households import HouseholdBooks

logger = logging.getLogger(__name__)

# Rows read at once.
ROWS_AT_ONCE = 5_000
_ATTEMPTS = 3


class StalePreview(Conflict):
    """Since the preview, the statuses of the rows or their effect on cash have changed."""

    code = "preview_stale"


class _OtherCash(Exception):
    """The rows move another amount of cash than the preview shows."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The import being written, with the meaning of its symbols and names."""

    batch: Import
    names: Names
    assets: Mapping[str, Asset]
    base: str
    user: User
    now: datetime
    told: Callable[[int], None]
    # What the preview shows that the rows add to the account's cash; None: anything is right.
    shown: Decimal | None


def write(
    *,
    batch: Import,
    user: User,
    now: datetime,
    told: Callable[[int], None] = lambda percent: None,
) -> None:
    """Record every ready row of a locked import, oldest first.

    Runs in one transaction: a refusal names its row and rolls back all rows. The household is
    locked only for the end. If its ledger has changed meanwhile, all is computed again; the last
    attempt locks it first. If exchange rates have changed since the preview, it is stale.
    """
    create_assets(batch=batch)  # locks the household, so before its accounts
    restated = _restate(batch, user, now)
    if restated and not batch.ready_count:
        _finish(batch, now)
        return

    def attempt(*, as_shown: bool) -> None:
        _attempted(batch, lambda books: _write(batch, books, user, now, told, as_shown=as_shown))

    try:
        attempt(as_shown=True)
    except _OtherCash:
        before = _added(batch)
        judge(batch=batch, now=now)
        if _added(batch) != before:
            raise StalePreview(
                "Exchange rates have changed since the preview. Look at the account's cash after "
                "the import again, then commit."
            ) from None
        attempt(as_shown=False)
    _finish(batch, now)


def _finish(batch: Import, now: datetime) -> None:
    batch.status, batch.committed_at = ImportStatus.COMMITTED, now
    ImportChunk.objects.filter(batch=batch).delete()
    announce(
        topic="import_complete",
        household_id=batch.account.household_id,
        dedup_key=f"import:{batch.public_id}",
        payload={
            "account_id": str(batch.account.public_id),
            "account_name": batch.account.name,
            "import_id": str(batch.public_id),
            "rows": batch.ready_count,
        },
        now=now,
    )


def _restate(batch: Import, user: User, now: datetime) -> int:
    """Put a broker's figures in the place of those that corporate actions have booked."""
    rows = list(restated_rows(batch).order_by("executed_at", "number"))
    if not rows:
        return 0
    names = understood(batch=batch)
    assets = assets_by_symbol(
        household_id=batch.account.household_id, symbols=set(names.symbols.values())
    )
    base = base_currency(batch=batch)
    work = _Work(batch, names, assets, base, user, now, lambda percent: None, None)
    for row, entry in zip(rows, _entries(work, rows), strict=True):
        try:
            restate(account=batch.account, entry=entry, user=user, now=now, import_batch=batch)
        except BallastError as refusal:
            raise _refused(row, refusal) from refusal
    batch.account.refresh_from_db()
    return len(rows)


def _write(
    batch: Import,
    household: HouseholdBooks,
    user: User,
    now: datetime,
    told: Callable[[int], None],
    *,
    as_shown: bool,
) -> None:
    batch.account = household.accounts[batch.account_id]
    names = _names(batch, now)
    assets = assets_by_symbol(
        household_id=batch.account.household_id, symbols=set(names.symbols.values())
    )
    shown = _added(batch) if as_shown else None
    work = _Work(batch, names, assets, base_currency(batch=batch), user, now, told, shown)
    if not batch.ready_count:
        raise Conflict(
            "No row of the file is ready. Map its symbols, or include rows by hand.",
            code="nothing_ready",
        )
    pairs = _pairs(work)
    paired = {row.pk for pair in pairs for row in pair}
    rows: list[ImportRow] = []
    entries: list[Entry] = []
    for portion in _chronological(batch):
        single = [row for row in portion if row.pk not in paired]
        entries += _entries(work, single)
        for row in single:
            row.draft = None
        rows += single
        told(50 * len(rows) // batch.ready_count)
    if entries:
        _record(work, household, rows, entries)
    if pairs:
        _record_pairs(work, pairs)


def _added(batch: Import) -> Decimal | None:
    """Return what the preview shows that the rows add to the account's cash."""
    shown = batch.outcome
    return Decimal(shown["cash_after"]) - Decimal(shown["cash_before"]) if shown else None


def _names(batch: Import, now: datetime) -> Names:
    """Return the meaning of the file's symbols and names; check again if the ledger has changed."""
    if batch.ledger_version == batch.account.ledger_version:
        return understood(batch=batch)
    before = standing_of(batch=batch), _added(batch)
    names = judge(batch=batch, now=now)
    if (standing_of(batch=batch), _added(batch)) != before:
        raise StalePreview(
            "The ledger has changed since the preview. Look at the rows again, then commit."
        )
    return names


def undo(
    *,
    batch: Import,
    user: User,
    now: datetime,
    told: Callable[[int], None] = lambda percent: None,
) -> None:
    """Reverse every transaction of a locked import that is not reversed yet.

    As in `write`, the household is locked only for the end.
    """

    def reverse(household: HouseholdBooks) -> None:
        ids = _standing(batch)
        if ids:
            note = f"Undo of the import of {batch.file_name}"
            written = write_reversals(
                household=household, original_ids=ids, user=user, now=now, note=note
            )
            told(50)
            finish_history(written, now=now)

    book_restated_again(import_batch=batch, now=now)
    _attempted(batch, reverse)
    batch.status, batch.undone_at = ImportStatus.UNDONE, now


def _standing(batch: Import) -> list[int]:
    """Return the ids of an import's valid transactions and of the other sides of transfers."""
    rows = Transaction.objects.filter(reverses__isnull=True, reversed_by__isnull=True)
    mine = Q(import_batch=batch) | Q(counterpart__import_batch=batch)
    return list(
        rows.filter(mine | Q(taken_by__import_batch=batch))
        .order_by("id")
        .values_list("pk", flat=True)
    )


def _attempted(batch: Import, write: Callable[[HouseholdBooks], None]) -> None:
    """Run `write` with the household unlocked; begin again if its ledger has changed meanwhile.

    The last attempt locks the household first.
    """
    household_id = batch.account.household_id
    for attempt in range(_ATTEMPTS):
        last = attempt == _ATTEMPTS - 1
        try:
            with transaction.atomic():
                read = lock_household if last else unlocked_household
                write(read(household_id=household_id))
            return
        except LedgerMoved:
            reason = "the ledger has changed"
        except (OperationalError, IntegrityError) as fault:
            if last or not isinstance(fault.__cause__, DeadlockDetected | UniqueViolation):
                raise
            reason = "a concurrent change deadlocked with it or wrote the same key"
        logger.info("commit of import %s was rolled back, trying again: %s", batch.pk, reason)


def _ready(batch: Import) -> "QuerySet[ImportRow]":
    return ImportRow.objects.filter(batch=batch, status=RowStatus.READY).only(
        "public_id", "number", "line", "draft", "executed_at"
    )


def _chronological(batch: Import) -> Iterator[list[ImportRow]]:
    """Yield the ready rows in the order in which they happened.

    Rows of one instant keep the order of the file, reversed if the file begins with the newest.
    """
    ends = _ready(batch).order_by("number")
    first, last = ends.first(), ends.last()
    assert first is not None, "there are ready rows"
    assert last is not None, "there are ready rows"
    newest_first = (first.executed_at or batch.created_at) > (last.executed_at or batch.created_at)
    order, beyond = ("-number", "number__lt") if newest_first else ("number", "number__gt")
    rows = _ready(batch).order_by("executed_at", order)
    portion = list(rows[:ROWS_AT_ONCE])
    while portion:
        yield portion
        end = portion[-1]
        later = Q(executed_at__gt=end.executed_at) | Q(
            executed_at=end.executed_at, **{beyond: end.number}
        )
        portion = list(rows.filter(later)[:ROWS_AT_ONCE])


def _pairs(work: _Work) -> list[tuple[ImportRow, ImportRow]]:
    """Return the rows that the file itself reverses, each with its reversal."""
    # JSON text: a quote inside a value is escaped, so this matches the empty field only.
    reversals = list(_ready(work.batch).exclude(draft__contains='"reverses":""').order_by("number"))
    by_name = {decoded(row.draft or "").reverses: row for row in reversals}
    if not by_name:
        return []
    found = []
    for portion in _chronological(work.batch):
        for row in portion:
            draft = decoded(row.draft or "")
            for name in {draft.id, draft.external_id} & by_name.keys():
                found.append((row, by_name.pop(name)))
    for row in by_name.values():
        raise _refused(
            row,
            Conflict(
                "The row reverses one that is not imported. Include that row, or exclude this one.",
                code="reversal_without_row",
            ),
        )
    return found


def _record(
    work: _Work, household: HouseholdBooks, rows: Sequence[ImportRow], entries: Sequence[Entry]
) -> None:
    try:
        written = write_history(
            household=household,
            account=work.batch.account,
            entries=entries,
            user=work.user,
            now=work.now,
            import_batch=work.batch,
        )
        if work.shown not in (None, written.cash.get(work.batch.account_id, Decimal(0))):
            raise _OtherCash
        work.told(90)
        finish_history(written, now=work.now)
    except BallastError as refusal:
        if refusal.item is None:
            raise
        raise _refused(rows[refusal.item], refusal) from refusal


def _record_pairs(work: _Work, pairs: Sequence[tuple[ImportRow, ImportRow]]) -> None:
    """Record rows and their reversals as history; no lot changes."""
    entries = _entries(work, [original for original, _ in pairs])
    reversals = _entries(work, [reversal for _, reversal in pairs])
    try:
        record_reversed(
            account=work.batch.account,
            entries=entries,
            reversals=reversals,
            user=work.user,
            now=work.now,
            import_batch=work.batch,
        )
    except BallastError as refusal:
        if refusal.item is None:
            raise
        raise _refused(pairs[refusal.item][0], refusal) from refusal


def _entries(work: _Work, rows: Sequence[ImportRow]) -> list[Entry]:
    """Return the entries of ready rows, in the currencies of the account and the assets."""
    stated = [_stated(work, row) for row in rows]
    found = []
    for row, entry in zip(
        rows,
        settled(account=work.batch.account, rows=stated, assets=work.assets, base=work.base),
        strict=True,
    ):
        if isinstance(entry, BallastError):
            raise _refused(row, entry) from entry
        found.append(entry)
    return found


def _stated(work: _Work, row: ImportRow) -> Stated:
    assert row.draft is not None, "a ready row has its draft"
    draft = decoded(row.draft)
    try:
        return Stated(draft, entry_of(draft, public_id=row.public_id, names=work.names))
    except BallastError as refusal:
        raise _refused(row, refusal) from refusal


def _refused(row: ImportRow, refusal: BallastError) -> BallastError:
    """Return the ledger's refusal with the line of the file it concerns."""
    kind = Conflict if isinstance(refusal, Conflict) else InvalidInput
    return kind(
        f"Line {row.line} (row {row.number}): {refusal.detail}",
        code=refusal.code,
        status=refusal.status,
        fields={f"rows.{row.number}": [refusal.detail]},
    )
