"""Keeping lots, disposals and holdings in step with the transactions of a locked account.

New trades that are the latest of their asset are booked on top of the open lots. Anything else
(back-dated, reversed) books the asset anew from its first trade and writes the differences only.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Max

from transactions.entries import TRADES
from transactions.lots import Booked, Chosen, Closing, OpenLot, Trade, booked
from transactions.models import Account, Disposal, Holding, Lot, Transaction


def rebook(*, account: Account, new: Sequence[Transaction]) -> None:
    """Brings lots, disposals and holdings of every asset in `new` up to date.

    The number of queries does not depend on how many trades or assets there are.
    """
    by_asset: dict[int, list[Transaction]] = {}
    for row in sorted(new, key=lambda row: (row.executed_at, row.pk)):
        assert row.asset_id is not None, "a trade has an asset"
        by_asset.setdefault(row.asset_id, []).append(row)
    if not by_asset:
        return
    anew = _disturbed(account, by_asset)
    on_top = {asset_id: rows for asset_id, rows in by_asset.items() if asset_id not in anew}
    outcomes = _booked_on_top(account, on_top) | _booked_anew(account, anew)
    _write_holdings(account, outcomes)


def _disturbed(account: Account, by_asset: Mapping[int, Sequence[Transaction]]) -> set[int]:
    """Assets with a reversal among the new rows, or with older rows behind the first of them."""
    reversed_assets = {
        asset_id for asset_id, rows in by_asset.items() if any(row.reverses_id for row in rows)
    }
    behind = dict(
        Transaction.objects.filter(
            account=account,
            asset_id__in=list(by_asset),
            type__in=TRADES,
            executed_at__gt=min(rows[0].executed_at for rows in by_asset.values()),
            pk__lt=min(row.pk for rows in by_asset.values() for row in rows),
        )
        .order_by("asset_id")
        .values_list("asset_id")
        .annotate(last=Max("executed_at"))
    )
    return reversed_assets | {
        asset_id for asset_id, last in behind.items() if last > by_asset[asset_id][0].executed_at
    }


def _booked_on_top(
    account: Account, by_asset: Mapping[int, Sequence[Transaction]]
) -> dict[int, Booked]:
    """New trades on top of the open lots: the common case, touching only what changes."""
    if not by_asset:
        return {}
    stored: dict[int, list[Lot]] = {asset_id: [] for asset_id in by_asset}
    for lot in Lot.objects.filter(
        account=account, asset_id__in=list(by_asset), quantity__gt=0
    ).order_by("opened_at", "id"):
        stored[lot.asset_id].append(lot)
    ids = _named_lots(account, [row for rows in by_asset.values() for row in rows])
    outcomes = {
        asset_id: booked(
            lots=[_open_lot(lot) for lot in stored[asset_id]],
            trades=[_trade(row, ids) for row in rows],
            currency=account.currency,
        )
        for asset_id, rows in by_asset.items()
    }
    _write_lots(account, stored, outcomes)
    Disposal.objects.bulk_create(_disposals(account, outcomes), batch_size=2000)
    return outcomes


def _booked_anew(account: Account, asset_ids: Collection[int]) -> dict[int, Booked]:
    """Every trade of the assets from the first one on; only differences are written."""
    if not asset_ids:
        return {}
    trades: dict[int, list[Transaction]] = {asset_id: [] for asset_id in asset_ids}
    for row in Transaction.objects.filter(
        account=account,
        asset_id__in=asset_ids,
        type__in=TRADES,
        reverses__isnull=True,
        reversed_by__isnull=True,
    ).order_by("executed_at", "id"):
        assert row.asset_id is not None, "a trade has an asset"
        trades[row.asset_id].append(row)
    ids = _named_lots(account, [row for rows in trades.values() for row in rows])
    outcomes = {
        asset_id: booked(trades=[_trade(row, ids) for row in rows], currency=account.currency)
        for asset_id, rows in trades.items()
    }
    stored: dict[int, list[Lot]] = {asset_id: [] for asset_id in asset_ids}
    for lot in Lot.objects.filter(account=account, asset_id__in=asset_ids).order_by("id"):
        stored[lot.asset_id].append(lot)
    _write_lots(account, stored, outcomes)
    kept = {
        _disposal_key(row): row.pk
        for row in Disposal.objects.filter(account=account, asset_id__in=asset_ids)
    }
    new = [
        row for row in _disposals(account, outcomes) if kept.pop(_disposal_key(row), None) is None
    ]
    if kept:
        Disposal.objects.filter(pk__in=list(kept.values())).delete()
    Disposal.objects.bulk_create(new, batch_size=2000)
    return outcomes


def _named_lots(account: Account, rows: Sequence[Transaction]) -> dict[UUID, int]:
    """Ids of the acquisitions named by public id; a lot of another account has none here."""
    named = {UUID(part["lot_id"]) for row in rows for part in row.lots}
    if not named:
        return {}
    return dict(
        Transaction.objects.filter(public_id__in=named, account=account).values_list(
            "public_id", "pk"
        )
    )


def trades_of(account: Account, rows: Sequence[Transaction]) -> list[Trade]:
    """Stored rows of one account as the pure booking reads them."""
    ids = _named_lots(account, rows)
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
    account: Account, stored: Mapping[int, Sequence[Lot]], outcomes: Mapping[int, Booked]
) -> None:
    """Creates, changes and empties lot rows until they equal the outcomes."""
    changed: list[Lot] = []
    vanished: list[int] = []
    new: list[Lot] = []
    for asset_id, outcome in outcomes.items():
        wanted = {lot.acquisition_id: lot for lot in outcome.lots}
        closed = {
            closing.acquisition_id: closing
            for closing in outcome.closings
            if closing.acquisition_id not in wanted
        }
        for row in stored[asset_id]:
            lot = wanted.pop(row.transaction_id, None)
            if lot is None and closed.pop(row.transaction_id, None) is None:
                vanished.append(row.pk)
                continue
            left = (lot.quantity, lot.cost_basis) if lot else (Decimal(0), Decimal(0))
            if (row.quantity, row.cost_basis) != left:
                row.quantity, row.cost_basis = left
                changed.append(row)
        new += [_lot(account, asset_id, lot) for lot in wanted.values()]
        # Bought and sold to the end within this booking: the lot exists, and is empty.
        new += [_emptied_lot(account, asset_id, closing) for closing in closed.values()]
    if vanished:
        Lot.objects.filter(pk__in=vanished).delete()
    Lot.objects.bulk_update(changed, ["quantity", "cost_basis"], batch_size=2000)
    Lot.objects.bulk_create(new, batch_size=2000)


def _emptied_lot(account: Account, asset_id: int, closing: Closing) -> Lot:
    opened = closing.opened_at
    nothing = OpenLot(closing.acquisition_id, opened, opened.date(), Decimal(0), Decimal(0))
    return _lot(account, asset_id, nothing)


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


def _disposals(account: Account, outcomes: Mapping[int, Booked]) -> list[Disposal]:
    parts: dict[int, int] = {}
    rows = []
    for asset_id, outcome in outcomes.items():
        for closing in outcome.closings:
            part = parts.get(closing.sale_id, 0)
            parts[closing.sale_id] = part + 1
            rows.append(_disposal(account, asset_id, closing, part))
    return rows


def _disposal(account: Account, asset_id: int, closing: Closing, part: int) -> Disposal:
    return Disposal(
        account=account,
        asset_id=asset_id,
        transaction_id=closing.sale_id,
        part=part,
        lot_transaction_id=closing.acquisition_id,
        opened_at=closing.opened_at,
        holding_period_date=closing.opened_at.date(),
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


def _write_holdings(account: Account, outcomes: Mapping[int, Booked]) -> None:
    held, gone = [], []
    for asset_id, outcome in outcomes.items():
        if not outcome.lots:
            gone.append(asset_id)
            continue
        held.append(
            Holding(
                account=account,
                asset_id=asset_id,
                quantity=sum((lot.quantity for lot in outcome.lots), Decimal(0)),
                cost_basis=sum((lot.cost_basis for lot in outcome.lots), Decimal(0)),
            )
        )
    if gone:
        Holding.objects.filter(account=account, asset_id__in=gone).delete()
    Holding.objects.bulk_create(
        held,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["account", "asset"],
        update_fields=["quantity", "cost_basis"],
    )
