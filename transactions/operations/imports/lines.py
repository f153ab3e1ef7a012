"""The stored rows of a file, read in pages for judging, and their verdicts written back.

A page is read by one statement into plain values: models of 100,000 rows cost seconds.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from stores.rows import execute, rows_of
from transactions.files.drafts import decoded
from transactions.files.reading.interface import Draft
from transactions.models import Import, ImportRow, RowStatus
from transactions.operations.told_actions import RESTATED

ROWS_AT_ONCE = 2_000
_TABLE = ImportRow._meta.db_table
_COLUMNS = """
SELECT id, public_id, number, line, executed_at, status, choice, problems <> '[]'::jsonb,
       skipped->>'code', balance, balance_currency, nullif(findings, '[]'::jsonb)::text, draft
"""
_PAGE = f"""
{_COLUMNS} FROM {_TABLE}
 WHERE batch_id = %(batch)s AND number > %(last)s ORDER BY number LIMIT %(count)s
"""
# JSON text: a quote inside a value is escaped, so this matches the empty field only.
_SPLITS = f"""
{_COLUMNS} FROM {_TABLE}
 WHERE batch_id = %(batch)s
   AND (status = %(ready)s OR findings->0->>'code' = %(restated)s)
   AND draft NOT LIKE '%%"added_quantity":null%%' ORDER BY number
"""
_UPDATE = f"""
UPDATE {_TABLE} AS row SET status = new.status, findings = new.findings::jsonb
  FROM unnest(%(ids)s::bigint[], %(statuses)s::text[], %(findings)s::text[])
       AS new(id, status, findings)
 WHERE row.id = new.id
"""


@dataclass(slots=True)
class Row:
    """A stored row, without its cells and warnings. `skipped`: the code of the reason."""

    pk: int
    public_id: UUID
    number: int
    line: int
    executed_at: datetime | None
    status: str
    choice: str
    has_problems: bool
    skipped: str | None
    balance: Decimal | None
    balance_currency: str
    findings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A stored row with its draft."""

    row: Row
    draft: Draft | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status of a row, and the reasons for it."""

    status: str
    findings: tuple[dict[str, Any], ...] = ()


def pages(*, batch: Import) -> Iterator[list[Line]]:
    """Yield the rows in the order of the file, a portion at a time."""
    last = 0
    while found := rows_of(_PAGE, {"batch": batch.pk, "last": last, "count": ROWS_AT_ONCE}):
        page = _lines(found)
        last = page[-1].row.number
        yield page


def splits_by_units(*, batch: Import) -> list[Line]:
    """Return the splits to be recorded of which the file states only the units added."""
    values = {"batch": batch.pk, "ready": RowStatus.READY.value, "restated": RESTATED}
    return _lines(rows_of(_SPLITS, values))


def _lines(found: Sequence[tuple[Any, ...]]) -> list[Line]:
    lines = []
    for *values, findings, draft in found:
        row = Row(*values)
        if findings is not None:
            row.findings = json.loads(findings)
        lines.append(Line(row, decoded(draft) if draft else None))
    return lines


def save(page: Sequence[Line], verdicts: Sequence[Verdict]) -> None:
    """Store the verdicts that have changed."""
    news = []
    for line, verdict in zip(page, verdicts, strict=True):
        row, findings = line.row, list(verdict.findings)
        if row.status != verdict.status or row.findings != findings:
            row.status, row.findings = verdict.status, findings
            news.append((row.pk, str(verdict.status), json.dumps(findings)))
    if news:
        ids, statuses, found = (list(column) for column in zip(*news, strict=True))
        execute(_UPDATE, {"ids": ids, "statuses": statuses, "findings": found})
