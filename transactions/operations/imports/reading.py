"""Read a file into rows: each line once, with its draft stored and nothing compared yet."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from core.errors import InvalidInput
from core.identifiers import uuid7
from core.limits import IMPORT_SYMBOLS_MAX, MONEY_MAX
from stores.copying import copy_rows
from transactions.files.drafts import encoded
from transactions.files.formats.detection import parse
from transactions.files.reading.decoding import chunks
from transactions.files.reading.interface import Options, ParsedRow, RowProblem, Security
from transactions.files.stated.detection import beside_rows
from transactions.files.stated.stored import as_stored
from transactions.models import Import, ImportRow, RowStatus

# Rows of one COPY: the statement ends long before its timeout.
_ROWS_AT_ONCE = 2_000
_COLUMNS = (
    *("public_id", "batch_id", "number", "line", "status", "choice", "draft", "executed_at"),
    *("problems", "warnings", "skipped", "findings", "raw", "event"),
    *("balance", "balance_currency"),
)
OPTIONS = (
    *("encoding", "delimiter", "decimal", "date_order", "types", "currency", "base_currency"),
    *("account", "amount_sign", "amount_includes_fee", "without_heading"),
)


class TooManyAtOnce(Exception):
    """The file has more rows than a request reads; a job must read it."""


def read(
    *,
    batch: Import,
    file: BinaryIO,
    now: datetime,
    rows_max: int | None = None,
    told: Callable[[int], None] | None = None,
) -> None:
    """Read the file into rows and note the names in it; runs inside a transaction.

    Raises TooManyAtOnce after `rows_max` rows; the caller rolls back the rows written so far.
    `told` is called after every portion with the percentage of the file's lines that are written.
    """
    ImportRow.objects.filter(batch=batch).delete()
    lines = _line_count(file)
    found = parse(file, options_of(batch, now), format=batch.format or None)
    batch.format = found.format
    seen = _Seen()
    rows = seen.watched(found.rows)
    while portion := list(islice(rows, _ROWS_AT_ONCE)):
        if rows_max is not None and seen.count > rows_max:
            raise TooManyAtOnce
        first = seen.count - len(portion) + 1
        copy_rows(
            table=ImportRow._meta.db_table,
            columns=_COLUMNS,
            rows=(_columns(batch, first + index, row) for index, row in enumerate(portion)),
        )
        if told is not None:
            told(min(100, 100 * seen.count // lines))
    if not seen.count:
        raise InvalidInput(
            "The file has no rows. Choose another one.",
            code="file_empty",
            fields={"file": ["is empty"]},
        )
    batch.row_count = seen.count
    batch.securities = seen.securities()
    batch.accounts = sorted(seen.accounts)
    batch.from_date, batch.to_date = seen.first, seen.last
    batch.stated = _stated(batch, file, now)


def _stated(batch: Import, file: BinaryIO, now: datetime) -> dict[str, Any]:
    """Return what the file states of a day beside its rows; empty if it states nothing readable."""
    declared = beside_rows(batch.format)
    if declared is None:
        return {}
    try:
        found = declared.read(file, options_of(batch, now))
    except InvalidInput:
        return {}  # the rows are read all the same
    return as_stored(found)


def _line_count(file: BinaryIO) -> int:
    """Return the number of lines, at least 1. Leave the file at its beginning."""
    found = 1 + sum(chunk.count(b"\n") for chunk in chunks(file))
    file.seek(0)
    return found


def options_of(batch: Import, now: datetime) -> Options:
    """Return the reading options that the user stated."""
    stated = stated_options(mapping=batch.mapping, options=batch.options, now=now)
    return replace(stated, account_currency=batch.account.currency)


def stated_options(
    *, mapping: Mapping[str, str], options: Mapping[str, Any], now: datetime
) -> Options:
    """Return a mapping and options, in the form in which an import keeps them, for a reader."""
    stated: dict[str, Any] = {name: options[name] for name in OPTIONS if options.get(name)}
    return Options(
        now=now,
        columns=mapping,
        zone=ZoneInfo(options["zone"]) if options.get("zone") else UTC,
        **stated,
    )


class _Seen:
    """Collects the names in the rows as they are read."""

    def __init__(self) -> None:
        self.count = 0
        self.accounts: set[str] = set()
        self.first: date | None = None
        self.last: date | None = None
        self._securities: dict[str, Security] = {}
        self._rows: Counter[str] = Counter()
        self._currencies: dict[str, str] = {}

    def watched(self, rows: Iterator[ParsedRow]) -> Iterator[ParsedRow]:
        for row in rows:
            self.count += 1
            if row.entry is not None and row.skipped is None:
                self._note(row)
            yield row

    def securities(self) -> list[dict[str, Any]]:
        return [
            {
                "key": key,
                **asdict(self._securities[key]),
                "currency": self._currencies[key],
                "rows": self._rows[key],
            }
            for key in sorted(self._securities)
        ]

    def _note(self, row: ParsedRow) -> None:
        draft = row.entry
        assert draft is not None, "only rows with a draft are noted"
        if draft.account:
            self.accounts.add(draft.account)
        day = draft.executed_at.date()
        self.first = day if self.first is None else min(self.first, day)
        self.last = day if self.last is None else max(self.last, day)
        for security in (draft.security, draft.new_security):
            if security:
                self._securities.setdefault(security.key, security)
                self._currencies.setdefault(security.key, draft.currency)
                self._rows[security.key] += 1
        if len(self._securities) > IMPORT_SYMBOLS_MAX:
            raise InvalidInput(
                f"The file contains more than {IMPORT_SYMBOLS_MAX} securities. Split it.",
                code="symbols_too_many",
            )


def _columns(batch: Import, number: int, row: ParsedRow) -> tuple[object, ...]:
    draft = row.entry
    if row.skipped is not None:
        status = RowStatus.SKIPPED
    else:
        status = RowStatus.READY if row.importable else RowStatus.ERROR
    return (
        uuid7(),
        batch.pk,
        number,
        row.line,
        status.value,
        "",
        None if draft is None else encoded(draft),
        None if draft is None else draft.executed_at,
        _told(row.problems),
        _told(row.warnings),
        None if row.skipped is None else json.dumps(asdict(row.skipped)),
        "[]",
        "{}" if row.importable else json.dumps(dict(row.raw)),
        "" if row.skipped is not None else row.group[:160],
        *_balance(row),
    )


def _told(found: Sequence[RowProblem]) -> str:
    return json.dumps([asdict(one) for one in found]) if found else "[]"


def _balance(row: ParsedRow) -> tuple[Decimal | None, str]:
    """Return the cash that the file states after the row, if the ledger could hold as much."""
    found = row.balance
    if found is None or abs(found.amount) > MONEY_MAX:
        return None, ""
    return found.amount, found.currency
