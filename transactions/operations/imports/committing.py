"""Write the ready rows of a file to the ledger, or undo them: all or none."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from core.errors import BallastError, Conflict, InvalidInput
from identity.models import User
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
from transactions.operations.books.households import lock_household
from transactions.operations.imports.judging import judge, standing_of, understood
from transactions.operations.imports.settling import Stated, base_currency, settled
from transactions.operations.imports.symbols import create_assets
from transactions.operations.ledger import record, record_reversed, reverse_all
from transactions.queries.households import linked_assets

# Rows recorded at once. This bounds memory, and each portion sends the database a statement, so the
# connection is not idle for long.
ROWS_AT_ONCE = 5_000


class StalePreview(Conflict):
    """The ledger has changed since the preview, and so have the statuses of the rows."""

    code = "preview_stale"


@dataclass(frozen=True, slots=True)
class _Work:
    """The import being written, with the meaning of its symbols and names."""

    batch: Import
    names: Names
    assets: Mapping[str, Asset]
    base: str
    user: User
    now: datetime


def write(
    *,
    batch: Import,
    user: User,
    now: datetime,
    told: Callable[[int], None] | None = None,
) -> None:
    """Record every ready row of a locked import, oldest first.

    Runs in one transaction: a refusal names its row and rolls back all rows.
    """
    create_assets(batch=batch)  # locks the household, so before its accounts
    household = lock_household(household_id=batch.account.household_id)
    batch.account = household.accounts[batch.account_id]
    names = _names(batch, now)
    assets = assets_by_symbol(
        household_id=batch.account.household_id, symbols=set(names.symbols.values())
    )
    work = _Work(batch, names, assets, base_currency(batch=batch), user, now)
    if not batch.ready_count:
        raise Conflict(
            "No row of the file is ready. Map its symbols, or include rows by hand.",
            code="nothing_ready",
        )
    pairs = _pairs(work)
    paired = {row.pk for pair in pairs for row in pair}
    done = 0
    for portion in _chronological(batch):
        _record(work, [row for row in portion if row.pk not in paired])
        done += len(portion)
        if told is not None:
            told(100 * done // batch.ready_count)
    if pairs:
        _record_pairs(work, pairs)
    batch.status, batch.committed_at = ImportStatus.COMMITTED, now
    ImportChunk.objects.filter(batch=batch).delete()


def _names(batch: Import, now: datetime) -> Names:
    """Return the meaning of the file's symbols and names; check again if the ledger has changed."""
    if batch.ledger_version == batch.account.ledger_version:
        return understood(batch=batch)
    before = standing_of(batch=batch)
    names = judge(batch=batch, now=now)
    if standing_of(batch=batch) != before:
        raise StalePreview(
            "The ledger has changed since the preview. Look at the rows again, then commit."
        )
    return names


def undo(
    *,
    batch: Import,
    user: User,
    now: datetime,
    told: Callable[[int], None] | None = None,
) -> None:
    """Reverse every transaction of a locked import that is not reversed yet.

    Related assets are rebooked together, so they are undone together. Unrelated ones are undone
    one after the other, within the same transaction.
    """
    household = lock_household(household_id=batch.account.household_id)
    linked = linked_assets(households=[household])[household.id]
    groups: dict[int, list[int]] = {}
    rows = Transaction.objects.filter(
        import_batch=batch, reverses__isnull=True, reversed_by__isnull=True
    )
    count = 0
    for pk, asset_id in rows.order_by("id").values_list("pk", "asset_id"):
        group = 0 if asset_id is None else min(linked.with_all([asset_id]))
        groups.setdefault(group, []).append(pk)
        count += 1
    done = 0
    for portion in _filled(groups.values()):
        # The ledger reads the rows again under its lock; here their keys are enough.
        names = ("account_id", "type", "counterpart_id", "reverses_id")
        originals = list(Transaction.objects.filter(pk__in=portion).only(*names).order_by("id"))
        note = f"Undo of the Import of {batch.file_name}"
        reverse_all(originals=originals, user=user, now=now, note=note, events_max=None)
        done += len(portion)
        if told is not None:
            told(100 * done // count)
    batch.status, batch.undone_at = ImportStatus.UNDONE, now


def _filled(groups: Iterable[list[int]]) -> Iterator[list[int]]:
    """Join groups until a portion is full; no group is divided."""
    portion: list[int] = []
    for group in groups:
        portion += group
        if len(portion) >= ROWS_AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion


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


def _record(work: _Work, rows: Sequence[ImportRow]) -> None:
    if not rows:
        return
    entries = _entries(work, rows)
    try:
        record(
            account=work.batch.account,
            entries=entries,
            user=work.user,
            now=work.now,
            import_batch=work.batch,
            events_max=None,
        )
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
