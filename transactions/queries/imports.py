"""Reading imports: what was brought, what each row is, and what securities may be."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.dates import instant_text
from core.errors import InvalidInput, NotFound
from core.money import plain
from identity.models import User
from jobs.models import JobStatus
from transactions.files.drafts import decoded
from transactions.files.reading.interface import Draft
from transactions.models import Import, ImportRow, RowStatus
from transactions.queries.import_symbols import meanings, suggestions
from transactions.queries.ledger import account


def imports(*, user: User, account_id: UUID | None = None) -> "QuerySet[Import]":
    """Imports of the accounts a user may see, newest first; without what long lists hold."""
    rows = Import.objects.for_user(user).select_related("account", "job")
    if account_id is not None:
        rows = rows.filter(account=account(user=user, public_id=account_id))
    return rows.order_by("-created_at", "-id")


def import_batch(*, user: User, public_id: UUID) -> Import:
    """One import, if this user may see its account."""
    found = imports(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such import.", code="import_not_found")
    return found


def import_rows(*, batch: Import, status: str | None = None) -> "QuerySet[ImportRow]":
    """The rows of an import in the order of the file."""
    rows = ImportRow.objects.filter(batch=batch)
    if status:
        if status not in RowStatus.values:
            raise InvalidInput(
                "Unknown status.",
                code="status_unknown",
                fields={"status": [f"one of {', '.join(RowStatus.values)}"]},
            )
        rows = rows.filter(status=status)
    return rows.order_by("number")


def import_line(batch: Import) -> dict[str, Any]:
    """An import in the words of the API, as a list shows it."""
    error = batch.error
    if error is None and batch.job is not None and batch.job.status == JobStatus.FAILED:
        error = batch.job.error
    return {
        "id": str(batch.public_id),
        "account_id": str(batch.account.public_id),
        "format": batch.format,
        "status": batch.state,
        "file_name": batch.file_name,
        "file_bytes": batch.file_bytes,
        "file_sha256": batch.file_sha256,
        "counts": {
            "rows": batch.row_count,
            "ready": batch.ready_count,
            "duplicates": batch.duplicate_count,
            "errors": batch.error_count,
            "skipped": batch.skipped_count,
        },
        "from_date": batch.from_date.isoformat() if batch.from_date else None,
        "to_date": batch.to_date.isoformat() if batch.to_date else None,
        "job_id": str(batch.job.public_id) if batch.job else None,
        "error": error,
        "created_at": instant_text(batch.created_at),
        "committed_at": instant_text(batch.committed_at) if batch.committed_at else None,
        "undone_at": instant_text(batch.undone_at) if batch.undone_at else None,
    }


def import_detail(batch: Import) -> dict[str, Any]:
    """An import with what its words mean here; two or three queries more."""
    found = meanings(batch=batch)
    unknown = [row for row in batch.securities if found[row["key"]].how == "unknown"]
    offers = suggestions(batch=batch, unknown=unknown) if unknown else {}
    securities = [
        {
            "key": row["key"],
            "symbol": row["symbol"],
            "isin": row["isin"],
            "name": row["name"],
            "currency": row["currency"],
            "rows": row["rows"],
            "how": found[row["key"]].how,
            "becomes": found[row["key"]].symbol,
            "suggestions": offers.get(row["key"], []),
        }
        for row in batch.securities
    ]
    return {
        **import_line(batch),
        "mapping": batch.mapping,
        "options": batch.options,
        "accounts": batch.accounts,
        "securities": securities,
        "unmapped": [row for row in securities if row["how"] == "unknown"],
    }


def import_row(row: ImportRow, *, symbols: Mapping[str, str | None]) -> dict[str, Any]:
    """A row in the words of the API: what it is, what it would become, and why it may not."""
    skipped = [row.skipped] if row.skipped else []
    return {
        "row": row.number,
        "line": row.line,
        "status": row.status,
        "choice": row.choice or None,
        "transaction_id": str(row.public_id),
        "transaction": _transaction(decoded(row.draft), symbols) if row.draft else None,
        "problems": [*row.problems, *row.findings, *skipped],
        "warnings": row.warnings,
        "cells": row.raw,
    }


def _transaction(draft: Draft, symbols: Mapping[str, str | None]) -> dict[str, Any]:
    figures = {
        name: None if (value := getattr(draft, name)) is None else plain(value)
        for name in ("quantity", "price", "amount", "fee", "fx_rate", "basis_percentage")
    }
    return {
        "type": draft.type,
        "executed_at": instant_text(draft.executed_at),
        "symbol": symbols.get(draft.security.key),
        "file_symbol": draft.security.key or None,
        "new_symbol": symbols.get(draft.new_security.key),
        "currency": draft.currency,
        **figures,
        "ratio": draft.ratio or None,
        "opened_date": draft.opened_date.isoformat() if draft.opened_date else None,
        "lot_method": draft.lot_method,
        "lots": [{"id": lot.id, "quantity": plain(lot.quantity)} for lot in draft.lots],
        "reverses": draft.reverses or None,
        "account": draft.account or None,
        "order_id": draft.order_id or None,
        "external_id": draft.external_id or draft.id or None,
        "note": draft.note,
    }
