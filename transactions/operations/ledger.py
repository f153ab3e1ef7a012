"""Record, reverse and correct transactions.

A cash transaction locks its account. A transaction that moves lots locks all accounts of the
household in key order, because a wash sale may reach into any of them. It reads under the lock,
books in memory, and writes transactions, lots, disposals, wash sales, holdings and cash in the same
database transaction. No partial state is ever visible.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable, UniqueViolation

from core.errors import BallastError, Conflict, InvalidInput
from identity.models import User
from jobs.operations import announce
from transactions.ledger.entries import Entry
from transactions.ledger.kinds import BOOKED_TYPES
from transactions.ledger.lots import InsufficientShares
from transactions.models import Account, Import, Transaction
from transactions.operations.accounts import lock_account, next_version, publish_version
from transactions.operations.books.booking import (
    EVENTS_IN_A_REQUEST_MAX,
    RebookingTooLong,
    rebook,
)
from transactions.operations.books.households import lock_household
from transactions.operations.drafts import Draft, drafts, stored_row
from transactions.operations.filled_orders import follow_correction, withdraw_fills
from transactions.operations.named_pieces import ensure_pieces_held
from transactions.operations.restating import with_kept_facts
from transactions.operations.told_actions import ensure_not_applied
from transactions.operations.warnings import Warned, cash_warning, of_draft, warnings_of
from transactions.operations.wash_sale_notices import announce_wash_sales
from transactions.queries.households import HouseholdBooks, household_of
from transactions.queries.ledger import unknown_account

_MET_AT_THE_KEY = (DeadlockDetected, LockNotAvailable, UniqueViolation)


def record(
    *,
    account: Account,
    entries: Sequence[Entry],
    user: User,
    now: datetime,
    import_batch: Import | None = None,
    events_max: int | None = EVENTS_IN_A_REQUEST_MAX,
) -> list[Transaction]:
    """Record transactions and update their lots. If one is refused, record none of them.

    A transfer to an own account is two rows: one leaves and one arrives. A refusal carries the
    index of its entry as `item`. `events_max`: see `rebook`.
    """
    with transaction.atomic():
        household = _locked(account, {entry.type for entry in entries})
        if import_batch is None:
            # An imported file is history: a later import of another account may divide its lots.
            ensure_pieces_held(account=account, entries=entries)
        made = drafts(household=household, account=account, entries=entries, user=user, now=now)
        _ensure_not_applied(account, made)
        return record_made(
            household=household,
            made=made,
            user=user,
            now=now,
            import_batch=import_batch,
            events_max=events_max,
        )


def record_made(
    *,
    household: HouseholdBooks,
    made: Sequence[Draft],
    user: User,
    now: datetime,
    import_batch: Import | None = None,
    events_max: int | None,
) -> list[Transaction]:
    """Record drafts of any accounts of a locked household, all or none. See `record`."""
    rows = _written(made, user, now, import_batch)
    try:
        changed = rebook(household=household, new=rows, events_max=events_max)
    except BallastError as fault:
        of_row = {row.pk: draft for draft, row in zip(made, rows, strict=True)}
        raise refused(fault, of_row) from fault
    _settle(household, rows, changed)
    announce_recorded(household, rows[-1].account_id, rows[-1].public_id, len(rows), now)
    if import_batch is None:
        announce_wash_sales(household_id=household.id, recorded=rows, now=now)
    return rows


def check(
    *,
    account: Account,
    entries: Sequence[Entry],
    user: User,
    now: datetime,
    instead_of: Transaction | None = None,
) -> list[tuple[Draft, list[Warned]]]:
    """Return what `record` would write, with warnings, and write nothing.

    It refuses what `record` refuses, except for lots: those are booked only when recorded.
    `instead_of`: the transaction that the entries correct, whose cash and figures do not count.
    """
    accounts = Account.objects.filter(household_id=account.household_id)
    household = household_of(
        household_id=account.household_id, accounts={one.pk: one for one in accounts}
    )
    made = drafts(household=household, account=account, entries=entries, user=user, now=now)
    ensure_open(household, [draft.account.pk for draft in made])
    if instead_of is None:
        _ensure_not_applied(account, made)
    replaced = instead_of.pk if instead_of else None
    found = warnings_of(stated=[of_draft(draft, pk=replaced) for draft in made], now=now)
    own = [draft.amounts.cash_effect for draft in made if draft.takes is None]
    if instead_of is not None:
        own.append(-instead_of.cash_effect)
    added = sum(own, Decimal(0))
    if added < 0 and (low := cash_warning(account=made[0].account, added=added)):
        found[0].append(low)
    return list(zip(made, found, strict=True))


def _ensure_not_applied(account: Account, made: Sequence[Draft]) -> None:
    """Refuse a corporate action that the security's own event has put into the account already."""
    ensure_not_applied(
        account_id=account.pk,
        entries=[
            (draft.entry, draft.asset, draft.amounts) for draft in made if draft.takes is None
        ],
    )


def record_reversed(
    *,
    account: Account,
    entries: Sequence[Entry],
    reversals: Sequence[Entry],
    user: User,
    now: datetime,
    import_batch: Import | None = None,
) -> list[Transaction]:
    """Record transactions together with their reversals, restored from a file.

    The two cancel each other, so lots and cash do not change.
    """
    with transaction.atomic():
        household = lock_household(household_id=account.household_id)
        made = drafts(household=household, account=account, entries=entries, user=user, now=now)
        rows = _written(made, user, now, import_batch)
        undone = []
        for row, stated in zip(rows, reversals, strict=True):
            reversal = _reversal(row, user=user, now=now, note=stated.note)
            reversal.public_id = stated.public_id or reversal.public_id
            reversal.external_id, reversal.import_batch = stated.external_id, import_batch
            undone.append(reversal)
        rows += Transaction.objects.bulk_create(undone, batch_size=1000)
        _settle(household, rows, ())
        announce_recorded(household, rows[-1].account_id, rows[-1].public_id, len(rows), now)
    return rows


def _locked(account: Account, types: Collection[str]) -> HouseholdBooks:
    if BOOKED_TYPES.isdisjoint(types):
        locked = lock_account(account=account)
        return household_of(household_id=locked.household_id, accounts={locked.pk: locked})
    household = lock_household(household_id=account.household_id)
    if account.pk not in household.accounts:
        raise unknown_account()  # just deleted
    return household


def _written(
    made: Sequence[Draft],
    user: User,
    now: datetime,
    import_batch: Import | None,
    corrects: Transaction | None = None,
) -> list[Transaction]:
    """Write the drafts as rows. An arrival is written after the transfer out it refers to."""
    rows = [
        stored_row(draft=draft, user=user, now=now, import_batch=import_batch) for draft in made
    ]
    rows[0].corrects = corrects
    leaving = [row for row, draft in zip(rows, made, strict=True) if draft.takes is None]
    Transaction.objects.bulk_create(leaving, batch_size=1000)
    arriving = []
    for row, draft in zip(rows, made, strict=True):
        if draft.takes is not None:
            row.counterpart = rows[draft.takes]
            arriving.append(row)
    Transaction.objects.bulk_create(arriving, batch_size=1000)
    for row in rows:
        # Only rows written with it can refer to a new row yet, so no query is needed.
        for name in ("reversed_by", "taken_by"):
            row._state.fields_cache.setdefault(name, None)
    return rows


def refused(fault: BallastError, of_row: Mapping[int, Draft]) -> BallastError:
    """Return the ledger's refusal with the symbol and the entry of the row that failed.

    `of_row`: the drafts by the ids of their rows. An earlier transaction, which fails once these
    rows are recorded, has no entry.
    """
    draft = of_row.get(fault.item or 0)
    refusal = _named(fault, draft)
    refusal.item = None if draft is None else draft.item
    return refusal


def _named(fault: BallastError, draft: Draft | None) -> BallastError:
    if not isinstance(fault, InsufficientShares):
        return fault
    asset = None if draft is None else draft.asset
    if asset is None:
        # An earlier transaction fails once these rows are recorded.
        stored = Transaction.objects.filter(pk=fault.item or 0).select_related("asset").first()
        asset = stored.asset if stored is not None else None
    return fault if asset is None else fault.of(asset.symbol)


def reverse(*, original: Transaction, user: User, now: datetime, note: str = "") -> Transaction:
    """Reverse a transaction with a row of its own. Refused if later sales depend on it."""
    return reverse_all(originals=[original], user=user, now=now, note=note)[0]


def reverse_all(
    *,
    originals: Sequence[Transaction],
    user: User,
    now: datetime,
    note: str = "",
    events_max: int | None = EVENTS_IN_A_REQUEST_MAX,
) -> list[Transaction]:
    """Reverse transactions of one household, all or none, each with a row of its own.

    A transfer between own accounts is reversed on both sides.
    """
    with transaction.atomic():
        household = _locked(originals[0].account, {row.type for row in originals})
        wanted = _with_partners(household, originals)
        rows = _reversed([_reversal(row, user=user, now=now, note=note) for row in wanted])
        try:
            changed = rebook(household=household, new=rows, events_max=events_max)
        except BallastError as fault:
            raise reversal_refused(fault) from fault
        _settle(household, rows, changed)
        withdraw_fills(transaction_ids=[row.pk for row in wanted])
        announce_recorded(household, rows[-1].account_id, rows[-1].public_id, len(rows), now)
    return rows


def _reversed(reversals: Sequence[Transaction]) -> list[Transaction]:
    """Write reversals; refused while the undo of a file writes one of the same transaction.

    The undo locks the household only for its end, so the two meet at the unique key.
    """
    try:
        with transaction.atomic():
            return Transaction.objects.bulk_create(reversals, batch_size=1000)
    except (IntegrityError, OperationalError) as fault:
        if not isinstance(fault.__cause__, _MET_AT_THE_KEY):
            raise
        raise Conflict(
            "The import that brought this transaction is being undone. Reload, and reverse the "
            "transaction if it is still there.",
            code="reversal_in_progress",
        ) from fault


def reversal_refused(fault: BallastError) -> BallastError:
    """Return the refusal of a reversal that the rest of the ledger cannot do without."""
    if isinstance(fault, InvalidInput):
        return Conflict(fault.detail, code="reversal_breaks_ledger")
    if isinstance(fault, RebookingTooLong) or not isinstance(fault, Conflict):
        return fault
    return Conflict(
        f"Later transactions depend on this one. {_named(fault, None).detail}",
        code="reversal_breaks_ledger",
    )


def correct(
    *,
    original: Transaction,
    entry: Entry,
    user: User,
    now: datetime,
    note: str = "",
    import_batch: Import | None = None,
    events_max: int | None = EVENTS_IN_A_REQUEST_MAX,
) -> list[Transaction]:
    """Replace a transaction: reverse it and record the entry in its place, both or neither.

    Lots are booked once, so a purchase whose shares were sold later can be corrected as long as
    the shares suffice. The first row returned is the new transaction. A correction is corrected
    like any other transaction.
    """
    with transaction.atomic():
        household = _locked(original.account, {original.type, entry.type})
        account = household.accounts[original.account_id]
        wanted = _with_partners(household, [original])
        ensure_pieces_held(account=account, entries=[entry])
        undone = _reversed([_reversal(row, user=user, now=now, note=note) for row in wanted])
        made = drafts(household=household, account=account, entries=[entry], user=user, now=now)
        made = with_kept_facts(made=made, original=wanted[0], partners=wanted[1:])
        rows = _written(made, user, now, import_batch, corrects=wanted[0])
        try:
            changed = rebook(household=household, new=[*undone, *rows], events_max=events_max)
        except BallastError as fault:
            of_row = {row.pk: draft for draft, row in zip(made, rows, strict=True)}
            raise refused(fault, of_row) from fault
        _settle(household, [*undone, *rows], changed)
        follow_correction(original_id=wanted[0].pk, corrected=rows[0])
        announce_recorded(household, rows[0].account_id, rows[0].public_id, len(rows), now)
    return rows


def _with_partners(
    household: HouseholdBooks, originals: Sequence[Transaction]
) -> list[Transaction]:
    """Return the originals, read under the lock, and the other sides of their transfers."""
    ids = [row.pk for row in originals]
    sides = [pk for row in originals if (pk := row.counterpart_id) is not None]
    known = {
        row.pk: row
        for row in Transaction.objects.filter(pk__in=[*ids, *sides])
        | Transaction.objects.filter(counterpart_id__in=ids)
    }
    undone = set(
        Transaction.objects.filter(reverses_id__in=list(known)).values_list(
            "reverses_id", flat=True
        )
    )
    for number, row in enumerate(originals):
        fault = None
        if row.account_id not in household.accounts:
            fault = Conflict(
                "The transactions belong to several households. Send one request for each.",
                code="several_households",
            )
        elif row.reverses_id is not None:
            fault = Conflict(
                "A reversal cannot be reversed. Record the transaction again.",
                code="reversal_of_reversal",
            )
        elif row.pk in undone:
            fault = Conflict(
                "This transaction was already reversed. Nothing more is needed.",
                code="already_reversed",
            )
        if fault is not None:
            fault.item = number
            raise fault
    order = list(dict.fromkeys([*ids, *sorted(known)]))
    return [known[pk] for pk in order if pk not in undone]


def _reversal(original: Transaction, *, user: User, now: datetime, note: str) -> Transaction:
    row = Transaction(
        account_id=original.account_id,
        recorded_at=now,
        recorded_by_id=user.pk,
        reverses=original,
        note=note,
    )
    for name in (
        "type", "asset_id", "quantity", "price", "amount", "fee", "currency", "fx_rate",
        "executed_at", "trade_date", "new_asset_id", "ratio_new", "ratio_old", "basis_percentage",
        "opened_date", "lot_method", "lots", "tax_rates",
    ):  # fmt: skip
        setattr(row, name, getattr(original, name))
    row.cash_effect = -original.cash_effect
    return row


def announce_recorded(
    household: HouseholdBooks, account_id: int, last_id: UUID, count: int, now: datetime
) -> None:
    """Announce `count` recorded transactions by the account and public id of the last one."""
    announce(
        topic="transactions_recorded",
        household_id=household.id,
        dedup_key=f"transaction:{last_id}",
        payload={
            "account_id": str(household.accounts[account_id].public_id),
            "transaction_id": str(last_id),
            "count": count,
        },
        now=now,
    )


def _settle(
    household: HouseholdBooks, rows: Sequence[Transaction], changed: Collection[int]
) -> None:
    """Update the cash and the versions of locked accounts, and invalidate their caches."""
    ensure_open(household, [row.account_id for row in rows])
    cash: dict[int, Decimal] = {}
    for row in rows:
        cash[row.account_id] = cash.get(row.account_id, Decimal(0)) + row.cash_effect
    settle(household, cash, changed)


def settle(
    household: HouseholdBooks, cash: Mapping[int, Decimal], changed: Collection[int]
) -> None:
    """Add cash to locked accounts, raise their versions, and invalidate their caches."""
    for account_id in sorted({*cash, *changed}):
        locked = household.accounts[account_id]
        version = next_version(locked, cash_added=cash.get(account_id, Decimal(0)))
        publish_version(account=locked, version=version)


def ensure_open(household: HouseholdBooks, account_ids: Sequence[int]) -> None:
    """Refuse transactions of archived accounts; `account_ids`: the account of each one."""
    for number, account_id in enumerate(account_ids):
        locked = household.accounts[account_id]
        if locked.archived_at is not None:
            fault = Conflict(
                f"The account {locked.name} is archived. Restore it first, then record this.",
                code="account_archived",
            )
            fault.item = number
            raise fault
