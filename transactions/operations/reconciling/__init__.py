"""Compare a broker's file with an account, and keep what was found.

A file states positions and cash of a day (`holdings`), or lots closed in a time (`realized`). The
comparison writes nothing into the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from io import SEEK_END
from itertools import islice
from typing import Any, BinaryIO

from core.errors import InvalidInput
from core.limits import (
    NAME_LENGTH_MAX,
    RECONCILED_BYTES_MAX,
    RECONCILED_LOTS_MAX,
    RECONCILIATIONS_PER_ACCOUNT_MAX,
)
from identity.models import User
from transactions.files.broker_lots import reconcile as lots_compared
from transactions.files.comparing.causes import SETTLEMENT_DAYS_MAX, Known
from transactions.files.comparing.stored import count
from transactions.files.comparing.stored_lots import stored_lots
from transactions.files.formats.detection import HEAD_BYTES, REALIZED, detect
from transactions.files.reading.decoding import chunks
from transactions.files.reading.interface import Options, RealizedLot, RealizedRow, Security
from transactions.files.stated.detection import ROWS_OF, STATEMENTS, detect_statement
from transactions.files.stated.interface import Statement, is_possible
from transactions.models import Account, Import, ImportStatus, Reconciliation, ReconciliationKind
from transactions.operations.holdings_stated import beside_ledger, of_account, stored_lines
from transactions.operations.reconciling.rows import known_by_rows
from transactions.queries.realized import realized_lines
from transactions.queries.reconciliations import ledger_moves, stated_meanings

FORMATS = sorted({*REALIZED, *STATEMENTS})
# A Flex query may have open positions and closed lots; asked for lots, it is read as these.
_LOTS_OF = {"ibkr_flex": "ibkr_lots"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An uploaded file, and what its user states about it.

    `as_of`: the day of a statement that names none. `year`: of realized lots. `file_account`: the
    account of a file with several.
    """

    name: str
    file: BinaryIO
    format: str | None = None
    kind: str | None = None
    as_of: date | None = None
    year: int | None = None
    file_account: str = ""


def reconcile(*, account: Account, brought: Brought, user: User, now: datetime) -> Reconciliation:
    """Compare a file with the account; store and return the comparison."""
    size = _size(brought.file)
    name, kind = _format_of(brought)
    options = Options(now=now, base_currency=account.currency)
    if kind == ReconciliationKind.HOLDINGS:
        made = _holdings(account, brought, name, options, user, size)
    else:
        made = _realized(account, brought, name, options)
    made.account, made.created_at, made.created_by = account, now, user
    made.format, made.kind = name, kind
    made.file_name = "".join(s for s in brought.name if s.isprintable())[:NAME_LENGTH_MAX]
    made.file_bytes, made.file_sha256 = size, _digest(brought.file)
    made.ledger_version = account.ledger_version
    made.save()
    _drop_oldest(account)
    return made


def _size(file: BinaryIO) -> int:
    size = file.seek(0, SEEK_END)
    if size > RECONCILED_BYTES_MAX:
        raise InvalidInput(
            f"The file is larger than {RECONCILED_BYTES_MAX} bytes. Compare one year at a time.",
            code="file_too_large",
            status=413,
        )
    return size


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    for chunk in chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def _format_of(brought: Brought) -> tuple[str, str]:
    """Return the chosen or detected format, and the kind of comparison that it allows."""
    brought.file.seek(0)
    head = brought.file.read(HEAD_BYTES)
    if not head.strip():
        raise InvalidInput(
            "The file is empty. Choose another one.",
            code="file_empty",
            fields={"file": ["is empty"]},
        )
    name = brought.format or detect_statement(head)
    if name is None or (brought.kind == ReconciliationKind.REALIZED and name in STATEMENTS):
        lots = _LOTS_OF.get(name or "") or detect(head)
        name = _LOTS_OF.get(lots or "", lots)
    wanted = STATEMENTS if brought.kind == ReconciliationKind.HOLDINGS else None
    if name is None or name not in FORMATS or (wanted is not None and name not in wanted):
        raise InvalidInput(
            "The file states neither positions, cash nor realized lots in a format that is read "
            f"({', '.join(FORMATS)}).",
            code="format_unknown",
            fields={"file": ["is of no known format"]},
        )
    is_lots = name in REALIZED
    return name, ReconciliationKind.REALIZED if is_lots else ReconciliationKind.HOLDINGS


# Positions and cash.


def _holdings(
    account: Account, brought: Brought, name: str, options: Options, user: User, size: int
) -> Reconciliation:
    statement = STATEMENTS[name].read(brought.file, options)
    chosen = _account_of(account, statement, brought.file_account)
    statement = of_account(statement, chosen)
    day = brought.as_of or statement.day
    if day is None or not is_possible(day):
        raise InvalidInput(
            "The file does not state its day, or one before 1950 or after 2200. Send as_of.",
            code="as_of_missing",
            fields={"as_of": ["is needed for this file"]},
        )
    known = Known()
    if name in ROWS_OF:
        known = known_by_rows(
            account=account,
            file=brought.file,
            file_bytes=size,
            rows_format=ROWS_OF[name],
            file_account=chosen,
            moves=ledger_moves(account=account, last=day + timedelta(days=SETTLEMENT_DAYS_MAX)),
            user=user,
            now=options.now,
        )
    found = beside_ledger(account=account, statement=statement, day=day, known=known)
    unreadable = [
        {
            "line": row.line,
            "code": row.problem.code,
            "detail": row.problem.detail,
            "column": row.problem.column,
        }
        for row in statement.unreadable
    ]
    return Reconciliation(
        from_date=day,
        to_date=day,
        matched=count(found, "matched"),
        differing=count(found, "differs"),
        only_ours=count(found, "only_ours"),
        only_theirs=count(found, "only_theirs"),
        result={
            **stored_lines(account=account, found=found),
            "file_account": chosen or None,
            "unreadable": unreadable,
        },
    )


def _account_of(account: Account, statement: Statement, said: str) -> str:
    """Return the account of the file: the one said, the only one, or that of earlier files."""
    names = statement.accounts
    if said and said not in names:
        raise _ambiguous(names)
    if said or len(names) < 2:
        return said or (names[0] if names else "")
    earlier = Import.objects.filter(account=account, status=ImportStatus.COMMITTED)
    for options in earlier.order_by("-created_at", "-id").values_list("options", flat=True)[:20]:
        if options.get("account") in names:
            return str(options["account"])
    raise _ambiguous(names)


def _ambiguous(names: list[str]) -> InvalidInput:
    return InvalidInput(
        "The file has several accounts. Send one of those in errors as file_account.",
        code="account_ambiguous",
        fields={"file_account": [f"must be one of {', '.join(names[:50])}"]},
    )


# Realized lots.


def _realized(account: Account, brought: Brought, name: str, options: Options) -> Reconciliation:
    brought.file.seek(0)
    rows = list(islice(REALIZED[name].read(brought.file, options), RECONCILED_LOTS_MAX + 1))
    if len(rows) > RECONCILED_LOTS_MAX:
        raise InvalidInput(
            f"The file has more than {RECONCILED_LOTS_MAX} lots. Compare one year at a time.",
            code="too_many_rows",
        )
    lots = _under_our_symbols(account, [row.lot for row in rows if row.lot is not None])
    first, last = _period(lots, brought.year)
    theirs = [lot for lot in lots if lot.closed_date is None or first <= lot.closed_date <= last]
    ours = realized_lines(account=account, first=first, last=last)
    found = lots_compared(ours, theirs)
    return Reconciliation(
        from_date=first,
        to_date=last,
        matched=found.count("matched"),
        differing=found.count("differs"),
        only_ours=found.count("only_ours"),
        only_theirs=found.count("only_theirs"),
        result={**stored_lots(found), "unreadable": list(_unreadable(rows))},
    )


def _under_our_symbols(account: Account, lots: list[RealizedLot]) -> list[RealizedLot]:
    """Return the lots under the symbols that Ballast has for their securities, where it knows."""
    named = [(lot, Security(lot.symbol, lot.isin, lot.cusip, lot.name)) for lot in lots]
    found = stated_meanings(account=account, securities=[(one, "USD") for _, one in named])
    return [
        replace(lot, symbol=found[one.key].symbol or one.key) if one.key else lot
        for lot, one in named
    ]


def _period(lots: Iterable[RealizedLot], year: int | None) -> tuple[date, date]:
    """Return the requested year, else the period of the file."""
    if year is not None:
        return date(year, 1, 1), date(year, 12, 31)
    days = [lot.closed_date for lot in lots if lot.closed_date is not None]
    if not days:
        raise InvalidInput(
            "The file has no lots with a closing date. Send the year.",
            code="file_empty",
            fields={"file": ["is empty"]},
        )
    return min(days), max(days)


def _unreadable(rows: Iterable[RealizedRow]) -> Iterable[dict[str, Any]]:
    for row in rows:
        for problem in row.problems:
            yield {
                "line": row.line,
                "code": problem.code,
                "detail": problem.detail,
                "column": problem.column,
            }


def _drop_oldest(account: Account) -> None:
    kept = Reconciliation.objects.filter(account=account).order_by("-created_at", "-id")
    surplus = kept.values_list("pk", flat=True)[RECONCILIATIONS_PER_ACCOUNT_MAX:][:1000]
    Reconciliation.objects.filter(pk__in=list(surplus)).delete()


def forget(*, found: Reconciliation) -> None:
    """Delete a comparison; the ledger is not touched."""
    Reconciliation.objects.filter(pk=found.pk).delete()
