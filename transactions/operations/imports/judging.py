"""Decide which rows of a file may become transactions: symbols, ledger checks, duplicates.

A row's status depends on the findings of the reader, the decisions of users, and the present
ledger. It is checked again whenever one of them changes, and under the lock of the commit.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from core.dates import on_day
from core.errors import BallastError
from core.limits import IMPORT_ROWS_AT_ONCE_MAX, RECONCILED_TRANSACTIONS_MAX
from transactions.files.drafts import Names, decoded, entry_of, finding
from transactions.files.duplicates import Matching, Print, Recorded, is_named, print_of
from transactions.ledger.entries import Entry
from transactions.models import Import, ImportRow, RowStatus, Transaction
from transactions.operations.drafts import Draft as Checked
from transactions.operations.drafts import checked
from transactions.operations.imports.events import (
    TAKEN_BACK_IN_LEDGER,
    keep_together,
    refused_arrivals,
)
from transactions.operations.imports.lines import Line, Verdict, pages, save, splits_by_units
from transactions.operations.imports.outcomes import Outcome
from transactions.operations.imports.settling import Stated, base_currency, is_at_fixing, settled
from transactions.operations.imports.unit_ratios import unit_ratios
from transactions.operations.told_actions import TOLD_AGAIN, AppliedActions
from transactions.operations.warnings import of_draft, warnings_of
from transactions.queries.import_symbols import Meaning, meanings

_DETAILS = {
    "duplicate": "The ledger already has this transaction.",
    "duplicate_in_file": "The row is a duplicate of an earlier row of the file.",
    "settled_at_fixing": (
        "The asset trades in another currency and the file states no price in it. The amount "
        "settled was converted at the reference rate of the day."
    ),
    **TOLD_AGAIN,
    "excluded": "You excluded the row.",
    "symbol_skipped": "You chose to skip its security.",
    "other_account": "The row belongs to another account of the file.",
    "account_ambiguous": "The file has several accounts. Choose the one to import.",
}


def judge(*, batch: Import, now: datetime, told: Callable[[int], None] | None = None) -> Names:
    """Check and count every row, in a transaction. Return the meaning of the file's symbols."""
    checks = Checks(batch, now)
    done = 0
    for page in pages(batch=batch):
        save(page, checks.verdicts(page))
        done += len(page)
        if told is not None:
            told(100 * done // max(1, batch.row_count))
    if lines := checks.open_splits:
        checks.open_splits = []
        checks.names.ratios.update(unit_ratios(batch, checks.meanings, lines))
        save(lines, checks.verdicts(lines))
    if late := checks.late_verdicts():
        save([line for line, _ in late], [verdict for _, verdict in late])
    keep_together(batch=batch)
    _count(batch)
    lost = ImportRow.objects.filter(batch=batch).exclude(status=RowStatus.READY)
    for number, status, event in lost.values_list("number", "status", "event").iterator(5_000):
        is_left_out = status == RowStatus.SKIPPED and event != ""
        checks.outcome.lose(number, left_out=is_left_out)
    batch.outcome = checks.outcome.as_stored(batch)
    batch.ledger_version = batch.account.ledger_version
    return checks.names


def understood(*, batch: Import) -> Names:
    """Return the cached meaning of a file's symbols, valid while the ledger is unchanged."""
    found = meanings(batch=batch)
    names, _ = _names(batch, found, _account_of(batch))
    if lines := splits_by_units(batch=batch):
        names.ratios.update(unit_ratios(batch, found, lines))
    return names


def _account_of(batch: Import) -> str:
    """Return the account of the file that is imported; empty if not chosen yet."""
    only = batch.accounts[0] if len(batch.accounts) == 1 else ""
    return str(batch.options.get("account") or only)


def standing_of(*, batch: Import) -> str:
    """Return a digest of the statuses of all rows. If it differs, the preview has changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT md5(string_agg(left(status, 1), '' ORDER BY number)) "
            "FROM transactions_importrow WHERE batch_id = %s",
            [batch.pk],
        )
        return str(cursor.fetchone()[0])


class Checks:
    """Everything that determines the status of a row, looked up once."""

    def __init__(self, batch: Import, now: datetime) -> None:
        self.batch, self.now = batch, now
        self.meanings = meanings(batch=batch)
        self.account = _account_of(batch)
        self.names, self.reversed = _names(batch, self.meanings, self.account)
        self.matching = _matching(batch)
        self.applied = AppliedActions.of_account(account_id=batch.account_id)
        self.open_splits: list[Line] = []
        self.arrivals: list[tuple[Line, Checked]] = []
        self.taken_back: list[Line] = []
        self.assets = {
            meaning.symbol: meaning.asset
            for meaning in self.meanings.values()
            if meaning.symbol is not None and meaning.asset is not None
        }
        self.base = base_currency(batch=batch)
        # A file with more rows than are compared with a statement is not compared.
        few = batch.row_count <= RECONCILED_TRANSACTIONS_MAX
        self.outcome = Outcome(keeps_moves=bool(batch.stated) and few)

    def verdicts(self, page: Sequence[Line]) -> list[Verdict]:
        found: list[Verdict | None] = [self._at_once(line) for line in page]
        stated: dict[int, Stated] = {}
        for index, line in enumerate(page):
            if found[index] is None:
                assert line.draft is not None, "a row without a draft was judged at once"
                try:
                    entry = entry_of(line.draft, public_id=line.row.public_id, names=self.names)
                    stated[index] = Stated(line.draft, entry)
                except BallastError as refusal:
                    found[index] = Verdict(RowStatus.ERROR, (finding(refusal),))
                    if refusal.code == "ratio_unknown":
                        self.open_splits.append(line)
        outcomes = self._outcomes(stated)
        for index in stated:  # in the order of the file
            found[index] = self._compared(page[index], outcomes[index])
        self._warn(found, stated, outcomes)
        judged = [verdict for verdict in found if verdict is not None]
        for index, (line, verdict) in enumerate(zip(page, judged, strict=True)):
            outcome = outcomes.get(index)
            known = outcome if isinstance(outcome, Checked) and not self._is_paired(line) else None
            codes = [one["code"] for one in verdict.findings]
            day = None if line.draft is None else line.draft.executed_at.date()
            named = self.meanings.get(draft.security.key) if (draft := line.draft) else None
            symbol = (named.symbol or "") if named else ""
            self.outcome.add(line.row, day, verdict.status, codes, known, symbol)
        return judged

    def _outcomes(self, stated: Mapping[int, Stated]) -> dict[int, Checked | BallastError]:
        """Return the draft that the ledger makes of each row, or its refusal."""
        account, found = self.batch.account, dict[int, Checked | BallastError]()
        entries: dict[int, Entry] = {}
        fitted = settled(
            account=account, rows=list(stated.values()), assets=self.assets, base=self.base
        )
        for index, entry in zip(stated, fitted, strict=True):
            if isinstance(entry, BallastError):
                found[index] = entry
            else:
                entries[index] = entry
        outcomes = checked(
            account=account, entries=list(entries.values()), assets=self.assets, now=self.now
        )
        return found | dict(zip(entries, outcomes, strict=True))

    def _warn(
        self,
        found: list[Verdict | None],
        stated: Mapping[int, Stated],
        outcomes: Mapping[int, Checked | BallastError],
    ) -> None:
        """Add to each ready row what a person should look at."""
        ready = {
            index: outcome
            for index, outcome in outcomes.items()
            if not isinstance(outcome, BallastError) and _is_ready(found[index])
        }
        figures = [of_draft(outcome) for outcome in ready.values()]
        warned = warnings_of(stated=figures, now=self.now, matched=True)
        for (index, outcome), some in zip(ready.items(), warned, strict=True):
            told = [{"code": one.code, "detail": one.detail, "column": ""} for one in some]
            if is_at_fixing(stated[index].draft, outcome.entry):
                told.append(_told("settled_at_fixing"))
            if told:
                found[index] = Verdict(RowStatus.READY, tuple(told))

    def _at_once(self, line: Line) -> Verdict | None:
        row, draft = line.row, line.draft
        if row.skipped is not None:
            if draft is not None and row.skipped == "taken_back":
                self.taken_back.append(line)
            return Verdict(RowStatus.SKIPPED)
        if row.choice == "exclude":
            return _left_out("excluded")
        if draft is None or row.has_problems:
            return Verdict(RowStatus.ERROR)
        if draft.account and draft.account != self.account:
            if not self.account:
                return Verdict(RowStatus.ERROR, (_told("account_ambiguous"),))
            return _left_out("other_account")
        for security in (draft.security, draft.new_security):
            if security and self.meanings[security.key].how == "skipped":
                return _left_out("symbol_skipped")
        return None

    def _compared(self, line: Line, outcome: Checked | BallastError) -> Verdict:
        if isinstance(outcome, BallastError):
            return Verdict(RowStatus.ERROR, (finding(outcome),))
        row, draft = line.row, line.draft
        assert draft is not None, "only rows with a draft are compared"
        name = draft.external_id or draft.id
        if self._is_paired(line):
            double = self.matching.double_of_pair(name=name)
        else:
            double = self.matching.double(name=name, print=_print_of(outcome))
        if double is None and row.choice != "include" and not self._is_paired(line):
            double = self.applied.told_again(
                entry=outcome.entry, asset=outcome.asset, amounts=outcome.amounts
            )
        if double is None or row.choice == "include":
            if outcome.entry.type == "transfer_in" and outcome.entry.opened_date is None:
                self.arrivals.append((line, outcome))
            return Verdict(RowStatus.READY)
        return Verdict(RowStatus.DUPLICATE, (_told(double),))

    def _is_paired(self, line: Line) -> bool:
        """Return whether the file reverses the row, or the row is a reversal: both move nothing."""
        draft = line.draft
        return draft is not None and (
            bool(draft.reverses) or bool(self.reversed & {draft.id, draft.external_id})
        )

    def late_verdicts(self) -> list[tuple[Line, Verdict]]:
        """Return the verdicts that need all other rows to be judged."""
        found: list[tuple[Line, Verdict]] = []
        refusals = refused_arrivals(
            batch=self.batch, arrivals=[outcome for _, outcome in self.arrivals]
        )
        for (line, _), refusal in zip(self.arrivals, refusals, strict=True):
            if refusal is not None:
                found.append((line, Verdict(RowStatus.ERROR, (finding(refusal),))))
        for line in self.taken_back:
            assert line.draft is not None, "a row that is taken back has its draft"
            if self.matching.has_left(name=line.draft.external_id or line.draft.id):
                found.append((line, Verdict(RowStatus.ERROR, (TAKEN_BACK_IN_LEDGER,))))
        return found


def _is_ready(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.status == RowStatus.READY


def _left_out(code: str) -> Verdict:
    return Verdict(RowStatus.SKIPPED, (_told(code),))


def _told(code: str) -> dict[str, Any]:
    return {"code": code, "detail": _DETAILS[code], "column": ""}


def _names(batch: Import, meanings: Mapping[str, Meaning], account: str) -> tuple[Names, set[str]]:
    """Return the meaning of the file's names, and the names of rows the file itself reverses.

    A lot of a sale may be a row of the same file or one of the ledger; the ledger's takes
    precedence.
    """
    wanted: set[str] = set()
    reversed_rows: set[str] = set()
    # JSON text: a quote inside a value is escaped, so these match the empty fields only.
    pointing = ~Q(draft__contains='"lots":[]') | ~Q(draft__contains='"reverses":""')
    texts = ImportRow.objects.filter(pointing, batch=batch, draft__isnull=False)
    for text in texts.values_list("draft", flat=True).iterator(2_000):
        draft = decoded(text or "")
        wanted |= {lot.id for lot in draft.lots}
        reversed_rows |= {draft.reverses} - {""}
    rows: dict[str, UUID] = {}
    if wanted:
        for page in pages(batch=batch):
            for line in page:
                if line.draft is not None and line.draft.account in ("", account):
                    for name in wanted & {line.draft.id, line.draft.external_id}:
                        rows[name] = line.row.public_id
        rows |= _in_ledger(batch, wanted)
    symbols = {
        key: meaning.symbol for key, meaning in meanings.items() if meaning.symbol is not None
    }
    return Names(symbols, rows, {}), reversed_rows


def _in_ledger(batch: Import, names: set[str]) -> dict[str, UUID]:
    """Return the household's valid rows with these names; the account's own take precedence.

    Shares transferred from an own account keep the names of their lots.
    """
    ids = [UUID(name) for name in names if _is_uuid(name)]
    rows = Transaction.objects.filter(
        Q(external_id__in=sorted(names)) | Q(public_id__in=ids),
        account__household_id=batch.account.household_id,
        reverses__isnull=True,
        reversed_by__isnull=True,
    )
    found: dict[str, UUID] = {}
    listed = rows.values_list("account_id", "public_id", "external_id")
    for _, public_id, external_id in sorted(listed, key=lambda row: row[0] == batch.account_id):
        found |= {name: public_id for name in (external_id, str(public_id)) if name in names}
    return found


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _comparable(batch: Import, corrected: Mapping[int, int]) -> "QuerySet[Transaction]":
    """Select the ledger's rows that a row of the file may equal: by name, or by their day.

    Corrections and what they replace are among them, because either may be of another day. For a
    file of many rows that is the whole ledger of the account.
    """
    rows = Transaction.objects.filter(account=batch.account)
    if batch.row_count > IMPORT_ROWS_AT_ONCE_MAX:
        return rows
    drafts = [line.draft for page in pages(batch=batch) for line in page if line.draft]
    names = {name for draft in drafts for name in (draft.external_id, draft.id) if name}
    alike = Q(external_id__in=sorted(names)) & ~Q(external_id="")
    alike |= Q(pk__in={*corrected, *corrected.values()})
    alike |= Q(public_id__in=[UUID(name) for name in names if _is_uuid(name)])
    if drafts:
        days = {draft.executed_at.date() for draft in drafts}
        # The day of a trade and its day in UTC are never further apart; instants have an index.
        begin, end = (datetime.combine(day, time(), UTC) for day in (min(days), max(days)))
        alike |= Q(
            trade_date__in=sorted(days),
            executed_at__gte=begin - timedelta(days=1),
            executed_at__lt=end + timedelta(days=2),
        )
    return rows.filter(alike)


def _matching(batch: Import) -> Matching:
    """Return the account's ledger, ready to be matched with a file of this format."""
    corrected = _corrected(batch)
    rows = (
        _comparable(batch, corrected)
        .annotate(is_reversed=Exists(Transaction.objects.filter(reverses=OuterRef("pk"))))
        .order_by()
        .values_list(
            *("public_id", "external_id", "import_batch__format", "reverses_id", "is_reversed"),
            *("type", "asset_id", "executed_at", "trade_date", "quantity", "amount", "fee"),
            *("currency", "ratio_new", "ratio_old", "pk"),
        )
    )
    replaced = {*corrected.values()}
    originals: dict[int, Recorded] = {}
    corrections: dict[int, Recorded] = {}
    settled: set[str] = set()
    made = Matching(batch.format)
    for public_id, external_id, source, reverses, is_reversed, *figures, pk in rows.iterator(5_000):
        undone = reverses is not None or is_reversed
        if undone:
            settled.update((str(public_id), external_id) if external_id else (str(public_id),))
        if undone and pk not in replaced:
            continue
        row = Recorded(
            str(public_id),
            external_id,
            _print_of_row(*figures),
            (source or "") if is_named(external_id) else "",
        )
        if undone:
            originals[pk] = row
        elif pk in corrected:
            corrections[pk] = row
        else:
            made.add(row)
    for pk, row in corrections.items():
        made.add(row, before=_before(pk, corrected, originals))
    made.settled = frozenset(settled)
    return made


def _corrected(batch: Import) -> dict[int, int]:
    """Return the transaction that each correction in the account replaces."""
    rows = Transaction.objects.filter(account=batch.account, corrects__isnull=False)
    return {pk: old for pk, old in rows.values_list("pk", "corrects_id") if old is not None}


def _before(
    pk: int, corrected: Mapping[int, int], originals: Mapping[int, Recorded]
) -> list[Recorded]:
    """Return what a correction replaces, the first transaction last."""
    found = []
    while (old := corrected.get(pk)) is not None:
        if old in originals:
            found.append(originals[old])
        pk = old
    return found


def _print_of_row(
    kind: str,
    asset: int | None,
    executed_at: datetime,
    day: date,
    quantity: Decimal | None,
    amount: Decimal,
    fee: Decimal,
    currency: str,
    new: Decimal | None,
    old: Decimal | None,
) -> Print:
    return print_of(
        type=kind,
        asset=asset,
        executed_at=on_day(executed_at, day),
        quantity=quantity,
        amount=amount,
        fee=fee,
        currency=currency,
        ratio=new / old if new and old else None,
    )


def _print_of(found: Checked) -> Print:
    figures, entry = found.amounts, found.entry
    asset = None if found.asset is None else found.asset.pk or found.asset.symbol
    return print_of(
        type=entry.type,
        asset=asset,
        executed_at=entry.executed_at,
        quantity=figures.quantity,
        amount=figures.amount,
        fee=figures.fee,
        currency=entry.currency,
        ratio=figures.ratio.new / figures.ratio.old if figures.ratio else None,
    )


def _count(batch: Import) -> None:
    counted = dict(
        ImportRow.objects.filter(batch=batch).order_by().values_list("status").annotate(Count("id"))
    )
    batch.ready_count = counted.get(RowStatus.READY, 0)
    batch.duplicate_count = counted.get(RowStatus.DUPLICATE, 0)
    batch.error_count = counted.get(RowStatus.ERROR, 0)
    batch.skipped_count = counted.get(RowStatus.SKIPPED, 0)
