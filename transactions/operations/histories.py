"""Record a long history, computed before its household is locked.

    written     the transactions, and the lots, disposals and wash sales that are theirs alone:
                nobody sees these rows or waits for them before the commit
    locked      only then are the household's accounts locked. If its ledger, its policy or its
                related assets have changed since they were read, `LedgerMoved` is raised, and the
                caller rolls back and begins again
    finished    the few older rows that change, the holdings, the cash and the versions

All of it happens in one transaction. Rows are written by COPY, without an object for each.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from core.errors import BallastError, Conflict
from core.identifiers import uuid7
from identity.models import User
from stores.rows import check_references, insert_rows, new_ids, rows_of
from transactions.ledger.entries import Entry
from transactions.ledger.kinds import BOOKED_TYPES
from transactions.models import Account, Import, Transaction
from transactions.operations.books.booking import idle_for_long, rebooked
from transactions.operations.books.derived import Derived
from transactions.operations.books.households import lock_household
from transactions.operations.books.writing import Rebooked, write_new, write_rest
from transactions.operations.drafts import Draft, drafts
from transactions.operations.ledger import (
    announce_recorded,
    ensure_open,
    refused,
    reversal_refused,
    settle,
)
from transactions.queries.books.events import EventRow
from transactions.queries.households import HouseholdBooks, Linked, linked_assets

_COLUMNS = (
    *("id", "type", "account_id", "asset_id", "executed_at", "quantity", "cash_effect", "amount"),
    *("fee", "fx_rate", "price", "lot_method", "lots", "tax_rates", "order_id", "new_asset_id"),
    *("ratio_new", "ratio_old", "basis_percentage", "opened_date", "counterpart_id", "trade_date"),
    *("public_id", "currency", "recorded_at", "recorded_by_id", "external_id"),
    *("import_batch_id", "note"),
)


_REVERSED_AT_ONCE = 10_000
_SAME = (
    *("account_id", "type", "asset_id", "quantity", "price", "amount", "fee", "currency"),
    *("fx_rate", "executed_at", "trade_date", "new_asset_id", "ratio_new", "ratio_old"),
    *("basis_percentage", "opened_date", "lot_method", "lots", "tax_rates"),
)
_REVERSE = f"""
INSERT INTO transactions_transaction (public_id, reverses_id, cash_effect, recorded_at,
       recorded_by_id, note, order_id, external_id, {", ".join(_SAME)})
SELECT named.public_id, original.id, -original.cash_effect, %(now)s, %(user)s, %(note)s, '', '',
       {", ".join(f"original.{name}" for name in _SAME)}
  FROM unnest(%(originals)s::bigint[], %(names)s::uuid[]) AS named (id, public_id)
  JOIN transactions_transaction AS original ON original.id = named.id
 ORDER BY original.id
RETURNING public_id, cash_effect, id, type, account_id, asset_id, executed_at, trade_date,
          new_asset_id, ratio_new
"""


class _ReversedRow(NamedTuple):
    """What a booking needs of a reversal."""

    id: int
    type: str
    account_id: int
    asset_id: int | None
    executed_at: datetime
    trade_date: date
    new_asset_id: int | None
    ratio_new: Decimal | None


class LedgerMoved(Conflict):
    """The household's ledger has changed while a history was computed."""

    code = "ledger_moved"


@dataclass(frozen=True, slots=True)
class Written:
    """A history that is written and not finished yet, with what it was computed from."""

    household: HouseholdBooks
    linked: Linked
    parts: Sequence[tuple[Rebooked, Derived]]
    changed: frozenset[int]
    cash: dict[int, Decimal]
    # The account and the public id of the last transaction, and the number of all.
    last: tuple[int, UUID]
    count: int


def write_history(
    *,
    household: HouseholdBooks,
    account: Account,
    entries: Sequence[Entry],
    user: User,
    now: datetime,
    import_batch: Import,
) -> Written:
    """Write the transactions of a household that need not be locked, and all rows of their own.

    A refusal carries the index of its entry as `item`.
    """
    idle_for_long()
    made = drafts(household=household, account=account, entries=entries, user=user, now=now)
    ensure_open(household, [draft.account.pk for draft in made])
    ids = new_ids(model=Transaction, count=len(made))
    rows = [_event_row(draft, ids, index) for index, draft in enumerate(made)]
    names = [draft.entry.public_id or uuid7() for draft in made]
    insert_rows(
        model=Transaction,
        columns=_COLUMNS,
        rows=[
            _stored(row, draft, name, (now, user.pk), import_batch.pk)
            for row, draft, name in zip(rows, made, names, strict=True)
        ],
    )
    check_references()
    linked = linked_assets(households=[household])[household.id]
    new = [row for row in rows if row.type in BOOKED_TYPES]
    try:
        found = rebooked(household=household, linked=linked, new=new, events_max=None)
    except BallastError as fault:
        raise refused(fault, dict(zip(ids, made, strict=True))) from fault
    parts, changed = [], set()
    for part in found:
        early, touched = write_new(part, new_ids=frozenset(ids))
        parts.append((part, early))
        changed |= touched
        check_references()
    cash: dict[int, Decimal] = {}
    for row in rows:
        cash[row.account_id] = cash.get(row.account_id, Decimal(0)) + row.cash_effect
    last = (rows[-1].account_id, names[-1])
    return Written(household, linked, parts, frozenset(changed), cash, last, len(rows))


def write_reversals(
    *, household: HouseholdBooks, original_ids: Sequence[int], user: User, now: datetime, note: str
) -> Written:
    """Reverse transactions of a household that need not be locked; none is reversed already."""
    idle_for_long()
    new: list[EventRow] = []
    cash: dict[int, Decimal] = {}
    last: tuple[int, UUID] | None = None
    for start in range(0, len(original_ids), _REVERSED_AT_ONCE):
        portion = original_ids[start : start + _REVERSED_AT_ONCE]
        rows = rows_of(
            _REVERSE,
            {
                "originals": list(portion),
                "names": [uuid7() for _ in portion],
                "now": now,
                "user": user.pk,
                "note": note,
            },
        )
        for public_id, effect, *values in rows:
            row = _ReversedRow._make(values)
            cash[row.account_id] = cash.get(row.account_id, Decimal(0)) + effect
            last = (row.account_id, public_id)
            if row.type in BOOKED_TYPES:
                new.append(_reversal_event(row))
        check_references()
    assert last is not None, "there is something to reverse"
    ensure_open(household, list(cash))
    linked = linked_assets(households=[household])[household.id]
    try:
        found = rebooked(household=household, linked=linked, new=new, events_max=None)
    except BallastError as fault:
        raise reversal_refused(fault) from fault
    parts = [(part, Derived()) for part in found]
    return Written(household, linked, parts, frozenset(), cash, last, len(original_ids))


def finish_history(written: Written, *, now: datetime) -> None:
    """Lock the household, write what is left, and announce it; raise LedgerMoved."""
    household = lock_household(household_id=written.household.id)
    linked = linked_assets(households=[household])[household.id]
    if _state(household, linked) != _state(written.household, written.linked):
        raise LedgerMoved("The ledger has changed meanwhile. Try again.")
    changed = set(written.changed)
    for part, early in written.parts:
        changed |= write_rest(part, early)
    settle(household, written.cash, changed)
    announce_recorded(household, *written.last, written.count, now)


def _state(household: HouseholdBooks, linked: Linked) -> tuple[object, ...]:
    """Return everything outside the rows of the ledger that a booking depends on."""
    accounts = [
        (
            *(pk, row.ledger_version, row.cash, row.type, row.currency, row.lot_method),
            *(row.opened_date, row.archived_at),
        )
        for pk, row in sorted(household.accounts.items())
    ]
    return accounts, household.policy, household.ignored, household.crypto_exempt, linked


def _event_row(draft: Draft, ids: Sequence[int], index: int) -> EventRow:
    entry, figures = draft.entry, draft.amounts
    counterpart = None if draft.counterpart is None else draft.counterpart.pk
    return EventRow(
        id=ids[index],
        type=entry.type,
        account_id=draft.account.pk,
        asset_id=None if draft.asset is None else draft.asset.pk,
        executed_at=entry.executed_at.astimezone(UTC),
        quantity=figures.quantity,
        cash_effect=figures.cash_effect,
        amount=figures.amount,
        fee=figures.fee,
        fx_rate=draft.fx_rate,
        price=figures.price,
        lot_method=draft.lot_method,
        lots=[part.as_stored() for part in entry.lots],
        tax_rates=draft.tax_rates,
        order_id=entry.order_id,
        new_asset_id=None if draft.new_asset is None else draft.new_asset.pk,
        ratio_new=figures.ratio.new if figures.ratio else None,
        ratio_old=figures.ratio.old if figures.ratio else None,
        basis_percentage=entry.basis_percentage,
        opened_date=entry.opened_date,
        counterpart_id=counterpart if draft.takes is None else ids[draft.takes],
        trade_date=entry.day,
    )


def _reversal_event(row: _ReversedRow) -> EventRow:
    """Return a reversal for `rebooked`, which looks up the figures of the original."""
    nothing = Decimal(0)
    return EventRow(
        id=row.id,
        type=row.type,
        account_id=row.account_id,
        asset_id=row.asset_id,
        executed_at=row.executed_at,
        quantity=None,
        cash_effect=nothing,
        amount=nothing,
        fee=nothing,
        fx_rate=Decimal(1),
        price=None,
        lot_method="",
        lots=[],
        tax_rates={},
        order_id="",
        new_asset_id=row.new_asset_id,
        ratio_new=row.ratio_new,
        ratio_old=None,
        basis_percentage=None,
        opened_date=None,
        counterpart_id=None,
        trade_date=row.trade_date,
    )


def _stored(
    row: EventRow, draft: Draft, public_id: UUID, recorded: tuple[datetime, int], batch_id: int
) -> tuple[object, ...]:
    """Return the row of a transaction, in the order of _COLUMNS."""
    entry = draft.entry
    return (
        *row[:12],
        json.dumps(row.lots),
        json.dumps(dict(row.tax_rates)),
        *row[14:22],
        public_id,
        entry.currency,
        *recorded,
        entry.external_id,
        batch_id,
        entry.note,
    )
