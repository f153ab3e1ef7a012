"""Compare a statement's own rows with the ledger: rows that either of them lacks."""

from datetime import datetime
from typing import BinaryIO

from django.db import transaction

from core.errors import InvalidInput
from core.limits import IMPORT_BYTES_AT_ONCE_MAX, IMPORT_ROWS_AT_ONCE_MAX
from identity.models import User
from transactions.files.comparing.causes import Known
from transactions.files.comparing.moves import Move
from transactions.models import Account, Import, RowStatus
from transactions.operations.imports import reading
from transactions.operations.imports.judging import Checks
from transactions.operations.imports.lines import pages
from transactions.queries.reconciliations import symbols_remembered


def known_by_rows(
    *,
    account: Account,
    file: BinaryIO,
    file_bytes: int,
    rows_format: str,
    file_account: str,
    moves: list[Move],
    user: User,
    now: datetime,
) -> Known:
    """Return what the file's rows prove, as an import of it would find; nothing is kept of it.

    A file too large for a request, or without readable rows, proves nothing.
    """
    if file_bytes > IMPORT_BYTES_AT_ONCE_MAX:
        return Known()
    with transaction.atomic():
        batch = Import.objects.create(
            account=account,
            created_at=now,
            created_by=user,
            format=rows_format,
            file_bytes=file_bytes,
            options={"account": file_account} if file_account else {},
            symbols=symbols_remembered(account=account),
        )
        try:
            file.seek(0)
            reading.read(batch=batch, file=file, now=now, rows_max=IMPORT_ROWS_AT_ONCE_MAX)
            known = _judged(batch, moves, now)
        except (InvalidInput, reading.TooManyAtOnce):
            known = Known()
        transaction.set_rollback(True)
    return known


def _judged(batch: Import, moves: list[Move], now: datetime) -> Known:
    checks = Checks(batch, now)
    checks.outcome.keeps_moves = True
    types: set[str] = set()
    for page in pages(batch=batch):
        for line, verdict in zip(page, checks.verdicts(page), strict=True):
            if line.draft is not None and verdict.status != RowStatus.SKIPPED:
                types.add(line.draft.type)
    claimed = checks.matching
    first, last = batch.from_date, batch.to_date
    absent = set()
    if first is not None and last is not None:
        for move in moves:
            place = claimed.ids.get(move.id)
            covered = first <= move.day <= last and move.type in types
            if covered and place is not None and not claimed.claimed[place]:
                absent.add(move.id)
    return Known(
        missing=list(checks.outcome.moves.values()),
        absent=absent,
        refused=checks.outcome.refused,
    )
