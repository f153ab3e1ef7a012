"""Keeping lots, disposals and holdings in step with the transactions of a locked account.

New trades that are the latest of their asset are booked on top of the open lots. Anything else
(back-dated, reversed) books the asset anew from its first trade and writes the differences only.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from transactions.entries import TRADES
from transactions.lots import Booked, Chosen, Closing, OpenLot, Trade, booked
from transactions.models import Account, Disposal, Holding, Lot, Transaction


def rebook(*, account: Account, new: Sequence[Transaction]) -> None:
    """Brings lots, disposals and holdings of every asset in `new` up to date."""
    by_asset: dict[int, list[Transaction]] = {}
    for row in new:
        assert row.asset_id is not None, "a trade has an asset"
        by_asset.setdefault(row.asset_id, []).append(row)
    for asset_id in sorted(by_asset):
        rows = sorted(by_asset[asset_id], key=lambda row: (row.executed_at, row.pk))
        if _latest(account, asset_id, rows):
            _book_on_top(account, asset_id, rows)
        else:
            _book_anew(account, asset_id)


def _latest(account: Account, asset_id: int, rows: Sequence[Transaction]) -> bool:
    """Whether nothing of the asset stands behind the first new trade except the new ones."""
    if any(row.reverses_id for row in rows):
        return False
    first = rows[0]
    return (
        not Transaction.objects.filter(account=account, asset_id=asset_id, type__in=TRADES)
        .filter(
            Q(executed_at__gt=first.executed_at)
            | Q(executed_at=first.executed_at, pk__gt=first.pk)
        )
        .exclude(pk__in=[row.pk for row in rows])
        .exists()
    )


def _book_on_top(account: Account, asset_id: int, rows: Sequence[Transaction]) -> None:
    stored = list(
        Lot.objects.filter(account=account, asset_id=asset_id, quantity__gt=0).order_by(
            "opened_at", "id"
        )
    )
    outcome = booked(
        lots=[_open_lot(row) for row in stored],
        trades=trades_of(rows),
        currency=account.currency,
    )
    _write_lots(account, asset_id, stored, outcome)
    Disposal.objects.bulk_create(
        [_disposal(account, asset_id, closing) for closing in outcome.closings],
        batch_size=2000,
    )
    _write_holding(account, asset_id, outcome.lots)


def _book_anew(account: Account, asset_id: int) -> None:
    outcome = booked_from_start(account=account, asset_id=asset_id)
    stored = list(Lot.objects.filter(account=account, asset_id=asset_id).order_by("id"))
    _write_lots(account, asset_id, stored, outcome)
    wanted = [_disposal(account, asset_id, closing) for closing in outcome.closings]
    kept = {
        _disposal_key(row): row
        for row in Disposal.objects.filter(account=account, asset_id=asset_id)
    }
    new = [row for row in wanted if kept.pop(_disposal_key(row), None) is None]
    if kept:
        Disposal.objects.filter(pk__in=[row.pk for row in kept.values()]).delete()
    Disposal.objects.bulk_create(new, batch_size=2000)
    _write_holding(account, asset_id, outcome.lots)


def booked_from_start(*, account: Account, asset_id: int) -> Booked:
    """The asset's lots and closings computed from its transactions alone."""
    rows = (
        Transaction.objects.filter(
            account=account,
            asset_id=asset_id,
            type__in=TRADES,
            reverses__isnull=True,
            reversed_by__isnull=True,
        )
        .order_by("executed_at", "id")
        .all()
    )
    return booked(trades=trades_of(list(rows)), currency=account.currency)


def trades_of(rows: Sequence[Transaction]) -> list[Trade]:
    """Stored rows of one account as the pure booking reads them."""
    named = {UUID(part["lot_id"]) for row in rows for part in row.lots}
    ids = (
        dict(
            Transaction.objects.filter(
                public_id__in=named, account_id=rows[0].account_id
            ).values_list("public_id", "pk")
        )
        if named
        else {}
    )
    return [_trade(row, ids) for row in rows]


def _trade(row: Transaction, ids: dict[UUID, int]) -> Trade:
    assert row.quantity is not None, "a trade has a quantity"
    return Trade(
        id=row.pk,
        side=row.type,
        quantity=row.quantity,
        net=row.cash_effect if row.type == "sell" else -row.cash_effect,
        executed_at=row.executed_at,
        method=row.lot_method,
        # A lot that is not this account's has no id here and matches nothing.
        chosen=tuple(
            Chosen(ids.get(UUID(part["lot_id"]), -1), Decimal(part["quantity"]))
            for part in row.lots
        ),
    )


def _open_lot(row: Lot) -> OpenLot:
    return OpenLot(
        row.transaction_id, row.opened_at, row.holding_period_date, row.quantity, row.cost_basis
    )


def _write_lots(
    account: Account, asset_id: int, stored: Iterable[Lot], outcome: Booked
) -> None:
    """Creates, changes and empties lot rows until they equal the outcome."""
    wanted = {lot.acquisition_id: lot for lot in outcome.lots}
    closed = {closing.acquisition_id: closing for closing in outcome.closings}
    changed, vanished = [], []
    for row in stored:
        lot = wanted.pop(row.transaction_id, None)
        if lot is None and row.transaction_id not in closed:
            vanished.append(row.pk)
            continue
        closed.pop(row.transaction_id, None)
        quantity = lot.quantity if lot else Decimal(0)
        basis = lot.cost_basis if lot else Decimal(0)
        if (row.quantity, row.cost_basis) != (quantity, basis):
            row.quantity, row.cost_basis = quantity, basis
            changed.append(row)
    if vanished:
        Lot.objects.filter(pk__in=vanished).delete()
    Lot.objects.bulk_update(changed, ["quantity", "cost_basis"], batch_size=1000)
    new = [_lot(account, asset_id, lot) for lot in wanted.values()]
    # Bought and sold to the end within this booking: the lot exists, and is empty.
    new += [
        _lot(
            account,
            asset_id,
            OpenLot(
                closing.acquisition_id,
                closing.opened_at,
                closing.opened_at.date(),
                Decimal(0),
                Decimal(0),
            ),
        )
        for key, closing in closed.items()
        if key not in wanted
    ]
    Lot.objects.bulk_create(new, batch_size=2000)


def _lot(account: Account, asset_id: int, lot: OpenLot) -> Lot:
    return Lot(
        account=account,
        asset_id=asset_id,
        transaction_id=lot.acquisition_id,
        opened_at=lot.opened_at,
        holding_period_date=lot.holding_period_date,
        quantity=lot.quantity,
        cost_basis=lot.cost_basis,
    )


def _disposal(account: Account, asset_id: int, closing: Closing) -> Disposal:
    return Disposal(
        account=account,
        asset_id=asset_id,
        transaction_id=closing.sale_id,
        lot_transaction_id=closing.acquisition_id,
        opened_at=closing.opened_at,
        closed_at=closing.closed_at,
        quantity=closing.quantity,
        proceeds=closing.proceeds,
        cost_basis=closing.cost_basis,
        long_term=closing.long_term,
    )


def _disposal_key(row: Disposal) -> tuple[object, ...]:
    return (
        row.transaction_id,
        row.lot_transaction_id,
        row.quantity,
        row.proceeds,
        row.cost_basis,
        row.long_term,
    )


def _write_holding(account: Account, asset_id: int, lots: Sequence[OpenLot]) -> None:
    quantity = sum((lot.quantity for lot in lots), Decimal(0))
    if not quantity:
        Holding.objects.filter(account=account, asset_id=asset_id).delete()
        return
    Holding.objects.bulk_create(
        [
            Holding(
                account=account,
                asset_id=asset_id,
                quantity=quantity,
                cost_basis=sum((lot.cost_basis for lot in lots), Decimal(0)),
            )
        ],
        update_conflicts=True,
        unique_fields=["account", "asset"],
        update_fields=["quantity", "cost_basis"],
    )
