"""Writing to the ledger: transactions recorded and reversed.

One account, one lock: every write takes the account's row (accounts in key order when several),
reads under it, books in memory, and writes transactions, lots, disposals, holdings and cash in the
same database transaction. Nothing half done is ever visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import transaction

from core.dates import ensure_past
from core.errors import Conflict, InvalidInput
from core.identifiers import uuid7
from identity.models import User
from jobs.operations import announce
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol, exchange_rates_on
from transactions.entries import NEEDS_NO_ASSET, TRADES, Amounts, Entry, amounts
from transactions.models import Account, Transaction
from transactions.operations.accounts import (
    ensure_method,
    lock_account,
    next_version,
    publish_version,
)
from transactions.operations.booking import rebook


@dataclass(frozen=True, slots=True)
class _Draft:
    """An entry with everything looked up, ready to be a row."""

    entry: Entry
    asset: Asset | None
    fx_rate: Decimal
    amounts: Amounts
    lot_method: str


def record(
    *, account: Account, entries: Sequence[Entry], user: User, now: datetime
) -> list[Transaction]:
    """Appends transactions and books them; all of them or, at the first fault, none."""
    with transaction.atomic():
        locked = lock_account(account_id=account.pk)
        drafts = _drafts(locked, entries, now)
        rows = Transaction.objects.bulk_create(
            [_row(locked, draft, user=user, now=now) for draft in drafts], batch_size=1000
        )
        rebook(account=locked, new=[row for row in rows if row.type in TRADES])
        _settle(locked, rows)
        _announce(locked, rows, now)
    return rows


def reverse(*, original: Transaction, user: User, now: datetime, note: str = "") -> Transaction:
    """Undoes a transaction by a row of its own; refused when later sales depend on it."""
    with transaction.atomic():
        locked = lock_account(account_id=original.account_id)
        if original.reverses_id is not None:
            raise Conflict("A reversal cannot be reversed.", code="reversal_of_reversal")
        if Transaction.objects.filter(reverses_id=original.pk).exists():
            raise Conflict("It has been reversed already.", code="already_reversed")
        row = Transaction.objects.create(
            account=locked,
            type=original.type,
            asset_id=original.asset_id,
            quantity=original.quantity,
            price=original.price,
            amount=original.amount,
            fee=original.fee,
            currency=original.currency,
            fx_rate=original.fx_rate,
            cash_effect=-original.cash_effect,
            executed_at=original.executed_at,
            recorded_at=now,
            recorded_by_id=user.pk,
            reverses=original,
            lot_method=original.lot_method,
            lots=original.lots,
            note=note,
        )
        if original.type in TRADES:
            try:
                rebook(account=locked, new=[row])
            except InvalidInput as fault:
                raise Conflict(fault.detail, code="reversal_breaks_ledger") from fault
            except Conflict as fault:
                raise Conflict(
                    f"Later sales need these shares. {fault.detail}",
                    code="reversal_breaks_ledger",
                ) from fault
        _settle(locked, [row])
        _announce(locked, [row], now)
    return row


def _announce(locked: Account, rows: Sequence[Transaction], now: datetime) -> None:
    for row in rows[-1:]:
        announce(
            topic="transactions_recorded",
            household_id=locked.household_id,
            dedup_key=f"transaction:{row.public_id}",
            payload={
                "account_id": str(locked.public_id),
                "transaction_id": str(row.public_id),
                "count": len(rows),
            },
            now=now,
        )


def _settle(locked: Account, rows: Sequence[Transaction]) -> None:
    """Moves the cash and the version of a locked account, and makes caches forget it."""
    locked.cash += sum((row.cash_effect for row in rows), Decimal(0))
    Account.objects.filter(pk=locked.pk).update(cash=locked.cash)
    publish_version(account=locked, version=next_version(locked))


def _drafts(locked: Account, entries: Sequence[Entry], now: datetime) -> list[_Draft]:
    """Everything the entries refer to, looked up in two queries however many there are."""
    for entry in entries:
        ensure_past(entry.executed_at, now=now, field="executed_at")
    symbols = {entry.symbol for entry in entries if entry.symbol}
    known = assets_by_symbol(household_id=locked.household_id, symbols=symbols) if symbols else {}
    rates = _rates(locked, entries)
    return [_draft(locked, entry, known, rates) for entry in entries]


def _rates(locked: Account, entries: Sequence[Entry]) -> dict[tuple[str, date], Decimal]:
    found = exchange_rates_on(
        wanted=[
            (entry.currency, locked.currency, entry.executed_at.astimezone(UTC).date())
            for entry in entries
            if entry.fx_rate is None and entry.currency != locked.currency
        ]
    )
    return {(base, day): rate.rate for (base, _, day), rate in found.items()}


def _draft(
    locked: Account,
    entry: Entry,
    known: dict[str, Asset],
    rates: dict[tuple[str, date], Decimal],
) -> _Draft:
    asset = None
    if entry.symbol:
        asset = known.get(entry.symbol)
        if asset is None:
            raise InvalidInput(
                f"The symbol {entry.symbol} is not known.",
                code="symbol_unknown",
                fields={"symbol": ["is not known"]},
            )
    elif entry.type not in NEEDS_NO_ASSET:
        raise InvalidInput(
            f"A {entry.type} needs a symbol.",
            code="symbol_required",
            fields={"symbol": ["is required"]},
        )
    if asset is not None and entry.type in TRADES and not asset.tradable:
        raise InvalidInput(
            f"{asset.symbol} cannot be bought or sold.",
            code="asset_not_tradable",
            fields={"symbol": ["cannot be bought or sold"]},
        )
    if asset is not None and entry.type in TRADES and entry.currency != asset.currency:
        raise InvalidInput(
            f"{asset.symbol} trades in {asset.currency}, not in {entry.currency}.",
            code="currency_mismatch",
            fields={"currency": [f"must be {asset.currency}"]},
        )
    fx_rate = _fx_rate(locked, entry, rates)
    method = ""
    if entry.type == "sell":
        if entry.lots and entry.lot_method not in (None, "specific"):
            raise InvalidInput(
                f"Named lots are not sold by the method {entry.lot_method}: give one or the other.",
                code="lots_and_method",
                fields={"lot_method": ["must be absent where lots are named"]},
            )
        method = "specific" if entry.lots else entry.lot_method or locked.lot_method
        ensure_method(method)
    elif entry.lots or entry.lot_method:
        raise InvalidInput("Only a sale chooses lots.", code="field_not_allowed")
    return _Draft(
        entry,
        asset,
        fx_rate,
        amounts(entry=entry, fx_rate=fx_rate, account_currency=locked.currency),
        method,
    )


def _fx_rate(locked: Account, entry: Entry, rates: dict[tuple[str, date], Decimal]) -> Decimal:
    if entry.currency == locked.currency:
        if entry.fx_rate not in (None, Decimal(1)):
            raise InvalidInput(
                "No conversion takes place, so fx_rate must be 1 or absent.",
                code="fx_rate_not_allowed",
                fields={"fx_rate": ["must be absent"]},
            )
        return Decimal(1)
    if entry.fx_rate is not None:
        return entry.fx_rate
    day = entry.executed_at.astimezone(UTC).date()
    rate = rates.get((entry.currency, day))
    if rate is None:
        raise InvalidInput(
            f"No exchange rate from {entry.currency} to {locked.currency} is known for "
            f"{day}: give fx_rate.",
            code="exchange_rate_unknown",
            fields={"fx_rate": ["is required"]},
        )
    return rate


def _row(locked: Account, draft: _Draft, *, user: User, now: datetime) -> Transaction:
    entry = draft.entry
    return Transaction(
        public_id=uuid7(),
        account=locked,
        type=entry.type,
        asset=draft.asset,
        quantity=draft.amounts.quantity,
        price=draft.amounts.price,
        amount=draft.amounts.amount,
        fee=draft.amounts.fee,
        currency=entry.currency,
        fx_rate=draft.fx_rate,
        cash_effect=draft.amounts.cash_effect,
        # In UTC from here on: its calendar day is the trade's day, whoever reads it.
        executed_at=entry.executed_at.astimezone(UTC),
        recorded_at=now,
        recorded_by_id=user.pk,
        lot_method=draft.lot_method,
        lots=[{"lot_id": str(p.lot_id), "quantity": str(p.quantity)} for p in entry.lots],
        note=entry.note,
    )
