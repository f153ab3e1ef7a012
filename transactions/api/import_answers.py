"""Imports as JSON: the shapes of the responses, and their values."""

from collections.abc import Mapping
from typing import Any, get_args

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from core.dates import instant_text
from core.money import plain
from core.money_text import money_text
from transactions.api.reconciliations import ReconciledCash, ReconciledPosition, with_details
from transactions.files.reading.interface import Draft, ParsedRow, RowProblem
from transactions.files.statements import Reason
from transactions.models import ImportState, RowStatus
from transactions.operations.imports.figures import Figures
from transactions.operations.imports.mappings import Sample, Table
from transactions.queries import imports as queries
from transactions.queries.imports import FileRow, FileSecurity, ImportDetail, ImportLine


class ImportCounts(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    ready = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    skipped = serializers.IntegerField()


class ImportSecurity(serializers.Serializer[Any]):
    key = serializers.CharField()
    symbol = serializers.CharField()
    isin = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    rows = serializers.IntegerField()
    how = serializers.ChoiceField(
        choices=["mapped", "created", "skipped", "symbol", "isin", "unknown"]
    )
    becomes = serializers.CharField(allow_null=True)
    suggestions = serializers.ListField(child=serializers.CharField())


class ImportRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    format = serializers.CharField()
    format_score = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=ImportState.choices)
    file_name = serializers.CharField()
    file_bytes = serializers.IntegerField()
    file_sha256 = serializers.CharField()
    counts = ImportCounts()
    from_date = serializers.DateField(allow_null=True)
    to_date = serializers.DateField(allow_null=True)
    job_id = serializers.UUIDField(allow_null=True)
    error = serializers.JSONField(allow_null=True)
    created_at = serializers.DateTimeField()
    committed_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)


class ImportPosition(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


BALANCE_REASONS = [(name, name) for name in get_args(Reason)]


class ImportBalanceDifference(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    row = serializers.IntegerField()
    stated_change = serializers.CharField()
    our_change = serializers.CharField()
    reason = serializers.ChoiceField(choices=BALANCE_REASONS)


class ImportStatement(serializers.Serializer[Any]):
    checkpoints = serializers.IntegerField()
    differences = serializers.IntegerField()
    opening = serializers.CharField()
    closing = serializers.CharField()
    first_difference = ImportBalanceDifference(allow_null=True)


class FirstHoldingDifference(serializers.Serializer[Any]):
    symbol = serializers.CharField(allow_null=True)
    line = serializers.IntegerField(allow_null=True)


class ImportHoldings(serializers.Serializer[Any]):
    day = serializers.DateField()
    matched = serializers.IntegerField()
    differences = serializers.IntegerField()
    first_difference = FirstHoldingDifference(allow_null=True)
    positions = ReconciledPosition(many=True)
    cash = ReconciledCash(allow_null=True)


class ImportOutcome(serializers.Serializer[Any]):
    currency = serializers.CharField()
    cash_before = serializers.CharField()
    cash_after = serializers.CharField()
    positions = ImportPosition(many=True)
    position_count = serializers.IntegerField()
    statement = ImportStatement(allow_null=True)
    holdings = ImportHoldings(allow_null=True)


@extend_schema_serializer(component_name="ImportDetail")
class ImportDetailRead(ImportRead):
    mapping = serializers.DictField()
    options = serializers.DictField()
    accounts = serializers.ListField(child=serializers.CharField())
    securities = ImportSecurity(many=True)
    unmapped = ImportSecurity(many=True)
    outcome = ImportOutcome(allow_null=True)


class ImportProblem(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    column = serializers.CharField()


class ImportFigures(serializers.Serializer[Any]):
    currency = serializers.CharField()
    quantity = serializers.CharField(allow_null=True)
    price = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    fee = serializers.CharField()
    fx_rate = serializers.CharField()
    cash_effect = serializers.CharField()
    opened_date = serializers.DateField(allow_null=True)


class ImportRowRead(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    line = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RowStatus.choices)
    choice = serializers.ChoiceField(choices=["include", "exclude"], allow_null=True)
    transaction_id = serializers.UUIDField()
    transaction = serializers.DictField(allow_null=True)
    recorded = ImportFigures(allow_null=True)
    problems = ImportProblem(many=True)
    warnings = ImportProblem(many=True)
    cells = serializers.DictField()


class ImportHeading(serializers.Serializer[Any]):
    name = serializers.CharField()
    field = serializers.CharField(allow_null=True)
    example = serializers.CharField()


class ImportWord(serializers.Serializer[Any]):
    word = serializers.CharField()
    type = serializers.CharField(allow_null=True)


class ImportSampleRow(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    transaction = serializers.DictField(allow_null=True)
    problems = ImportProblem(many=True)
    warnings = ImportProblem(many=True)


class ImportSampleRead(serializers.Serializer[Any]):
    headings = ImportHeading(many=True)
    words = ImportWord(many=True)
    sample = ImportSampleRow(many=True)
    refusal = ImportProblem(allow_null=True)


def line_answer(line: ImportLine) -> dict[str, Any]:
    """Return an import as shown in a list."""
    counts = line.counts
    return {
        "id": str(line.id),
        "account_id": str(line.account_id),
        "format": line.format,
        "format_score": None if line.format_score is None else plain(line.format_score),
        "status": line.status,
        "file_name": line.file_name,
        "file_bytes": line.file_bytes,
        "file_sha256": line.file_sha256,
        "counts": {
            "rows": counts.rows,
            "ready": counts.ready,
            "duplicates": counts.duplicates,
            "errors": counts.errors,
            "skipped": counts.skipped,
        },
        "from_date": line.from_date.isoformat() if line.from_date else None,
        "to_date": line.to_date.isoformat() if line.to_date else None,
        "job_id": str(line.job_id) if line.job_id else None,
        "error": {"code": line.error.code, "detail": line.error.detail} if line.error else None,
        "created_at": instant_text(line.created_at),
        "committed_at": instant_text(line.committed_at) if line.committed_at else None,
        "undone_at": instant_text(line.undone_at) if line.undone_at else None,
    }


def detail_answer(detail: ImportDetail) -> dict[str, Any]:
    """Return an import with the meaning of its symbols."""
    return {
        **line_answer(detail.line),
        "mapping": detail.mapping,
        "options": detail.options,
        "accounts": detail.accounts,
        "securities": [_security(one) for one in detail.securities],
        "unmapped": [_security(one) for one in detail.unmapped],
        "outcome": _outcome(detail.outcome) if detail.outcome else None,
    }


def _outcome(found: queries.ImportOutcome) -> dict[str, Any]:
    currency = found.currency
    return {
        "currency": currency,
        "cash_before": money_text(found.cash_before, currency),
        "cash_after": money_text(found.cash_after, currency),
        "positions": [
            {"symbol": one.symbol, "before": plain(one.before), "after": plain(one.after)}
            for one in found.positions
        ],
        "position_count": found.position_count,
        "statement": _statement(found.statement, currency) if found.statement else None,
        "holdings": _holdings(found.holdings) if found.holdings else None,
    }


def _holdings(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **found,
        "positions": [with_details(one) for one in found["positions"]],
        "cash": with_details(found["cash"]) if found["cash"] else None,
    }


def _statement(found: queries.StatementCheck, currency: str) -> dict[str, Any]:
    first = found.first_difference
    return {
        "checkpoints": found.checkpoints,
        "differences": found.differences,
        "opening": money_text(found.opening, currency),
        "closing": money_text(found.closing, currency),
        "first_difference": first
        and {
            "line": first.line,
            "row": first.row,
            "stated_change": money_text(first.stated_change, currency),
            "our_change": money_text(first.our_change, currency),
            "reason": first.reason,
        },
    }


def _security(one: FileSecurity) -> dict[str, Any]:
    return {
        "key": one.key,
        "symbol": one.symbol,
        "isin": one.isin,
        "name": one.name,
        "currency": one.currency,
        "rows": one.rows,
        "how": one.how,
        "becomes": one.becomes,
        "suggestions": list(one.suggestions),
    }


def row_answer(row: FileRow, figures: Figures | None, account_currency: str) -> dict[str, Any]:
    """Return a row of a file with the transaction it would become, and its figures then."""
    return {
        "row": row.number,
        "line": row.line,
        "status": row.status,
        "choice": row.choice or None,
        "transaction_id": str(row.transaction_id),
        "transaction": _transaction(row),
        "recorded": _recorded(figures, account_currency) if figures else None,
        "problems": [problem_answer(one) for one in row.problems],
        "warnings": [problem_answer(one) for one in row.warnings],
        "cells": row.cells,
    }


def _recorded(figures: Figures, account_currency: str) -> dict[str, Any]:
    return {
        "currency": figures.currency,
        "quantity": None if figures.quantity is None else plain(figures.quantity),
        "price": None if figures.price is None else plain(figures.price),
        "amount": money_text(figures.amount, figures.currency),
        "fee": money_text(figures.fee, figures.currency),
        "fx_rate": plain(figures.fx_rate),
        "cash_effect": money_text(figures.cash_effect, account_currency),
        "opened_date": figures.opened_date.isoformat() if figures.opened_date else None,
    }


def problem_answer(problem: RowProblem) -> dict[str, str]:
    """Return a problem of a row of a file."""
    return {"code": problem.code, "detail": problem.detail, "column": problem.column}


def sample_answer(table: Table, mapping: Mapping[str, str], found: Sample) -> dict[str, Any]:
    """Return the first rows of a table under a mapping, and what can be mapped."""
    fields = {heading: field for field, heading in mapping.items() if heading}
    return {
        "headings": [
            {"name": name, "field": fields.get(name), "example": example}
            for name, example in zip(table.names, table.examples, strict=True)
            if name
        ],
        "words": [
            {"word": word, "type": kind or None}
            for word, kind in table.words(mapping.get("type", "")).items()
        ],
        "sample": [_sample_row(row) for row in found.rows],
        "refusal": problem_answer(found.refusal) if found.refusal else None,
    }


def _sample_row(row: ParsedRow) -> dict[str, Any]:
    skipped = [row.skipped] if row.skipped else []
    return {
        "line": row.line,
        "transaction": _figures(row.entry, None, None) if row.entry else None,
        "problems": [problem_answer(one) for one in (*row.problems, *skipped)],
        "warnings": [problem_answer(one) for one in row.warnings],
    }


def _transaction(row: FileRow) -> dict[str, Any] | None:
    return None if row.draft is None else _figures(row.draft, row.symbol, row.new_symbol)


def _figures(draft: Draft, symbol: str | None, new_symbol: str | None) -> dict[str, Any]:
    """Return a draft as JSON with our symbols, if they are known."""
    figures = {
        name: None if (value := getattr(draft, name)) is None else plain(value)
        for name in ("quantity", "price", "amount", "fee", "fx_rate", "basis_percentage")
    }
    return {
        "type": draft.type,
        "executed_at": instant_text(draft.executed_at),
        "symbol": symbol,
        "file_symbol": draft.security.key or None,
        "new_symbol": new_symbol,
        "currency": draft.currency,
        **figures,
        "ratio": draft.ratio or None,
        "opened_date": draft.opened_date.isoformat() if draft.opened_date else None,
        "lot_method": draft.lot_method,
        "lots": [
            {"id": lot.id, "quantity": plain(lot.quantity), "piece": lot.piece}
            for lot in draft.lots
        ],
        "reverses": draft.reverses or None,
        "account": draft.account or None,
        "order_id": draft.order_id or None,
        "external_id": draft.external_id or draft.id or None,
        "note": draft.note,
    }
