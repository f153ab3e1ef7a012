"""Record fills of orders as transactions of the ledger, and take them back.

All fills of one call are one database transaction: transactions, lots, cash, orders. The household
is locked before the orders, as a reversal does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from core.errors import BallastError, Conflict
from core.identifiers import uuid7
from identity.models import User
from stores.locks import locked
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Account, Order, OrderFill, OrderSide, Transaction
from transactions.operations.books.households import lock_household
from transactions.operations.filled_orders import stand
from transactions.operations.ledger import record, reverse_all
from transactions.operations.orders.naming import lots_of_next, named_by_fills
from transactions.orders.lots import NAMED_BY
from transactions.orders.states import filled


@dataclass(frozen=True, slots=True)
class Fill:
    """An executed part of an order: price and fee in the currency of the asset.

    `amount`: the value of the whole fill, where that is stated instead of the price. A broker
    states it.
    """

    order_id: int
    quantity: Decimal
    executed_at: datetime
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)


def record_fills(
    *, account: Account, fills: Sequence[Fill], user: User, now: datetime
) -> tuple[UUID, list[OrderFill]]:
    """Record fills of orders that were placed by hand; return their batch and their rows.

    Nothing is written if one is refused: of an order that is not open, of more than is open, or by
    the ledger. A refusal carries the index of its fill as `item`.
    """
    with transaction.atomic():
        lock_household(household_id=account.household_id)
        orders = _locked_orders(account, fills)
        for number, fill in enumerate(fills):
            if orders[fill.order_id].broker:
                raise _item(
                    Conflict(
                        "The broker reports the fills of this order. They are recorded by "
                        "themselves.",
                        code="filled_by_broker",
                    ),
                    number,
                )
        return write_fills(account=account, orders=orders, fills=fills, user=user, now=now)


def write_fills(
    *,
    account: Account,
    orders: dict[int, Order],
    fills: Sequence[Fill],
    user: User,
    now: datetime,
) -> tuple[UUID, list[OrderFill]]:
    """Write fills of locked orders of a locked household. See `record_fills`."""
    batch = uuid7()
    entries = []
    by_name = account.lot_method in NAMED_BY
    sales = [row for row in orders.values() if by_name and row.side == OrderSide.SELL]
    earlier = named_by_fills(sales)
    named = {row.pk: list(earlier.get(row.pk, ())) for row in sales}
    for number, fill in enumerate(fills):
        order = orders[fill.order_id]
        before = order.standing
        try:
            after = filled(before, fill.quantity)
        except BallastError as refusal:
            raise _item(refusal, number) from None
        lots: tuple[ChosenLot, ...] = ()
        if order.pk in named:
            lots = lots_of_next(
                order, named=named[order.pk], filled=before.filled, quantity=fill.quantity
            )
            named[order.pk].extend(lots)
        entries.append(_entry(order, fill, lots))
        stand(order, after)
    rows = record(account=account, entries=entries, user=user, now=now)
    made = OrderFill.objects.bulk_create(
        [
            OrderFill(
                order=orders[fill.order_id],
                transaction=row,
                quantity=fill.quantity,
                reported_amount=fill.amount if orders[fill.order_id].broker else None,
                batch=batch,
                recorded_at=now,
            )
            for fill, row in zip(fills, rows, strict=True)
        ]
    )
    Order.objects.bulk_update(orders.values(), ["state", "filled_quantity"])
    return batch, made


def _locked_orders(account: Account, fills: Sequence[Fill]) -> dict[int, Order]:
    wanted = {fill.order_id for fill in fills}
    rows = Order.objects.filter(pk__in=wanted, account=account).select_related("asset")
    found = {row.pk: row for row in locked(rows, of=("self",))}
    assert len(found) == len(wanted), "the orders are of this account"
    return found


def _entry(order: Order, fill: Fill, lots: Sequence[ChosenLot]) -> Entry:
    return Entry(
        type=order.side,
        executed_at=fill.executed_at,
        currency=order.asset.currency,
        symbol=order.asset.symbol,
        quantity=fill.quantity,
        price=fill.price,
        amount=fill.amount,
        fee=fill.fee,
        lots=lots,
        order_id=str(order.public_id),
    )


def _item(refusal: BallastError, number: int) -> BallastError:
    refusal.item = number
    return refusal


def take_back(*, account: Account, batch: UUID, user: User, now: datetime) -> list[Transaction]:
    """Reverse the transactions of a batch of fills, all or none. Its orders are open again."""
    with transaction.atomic():
        lock_household(household_id=account.household_id)
        rows = list(
            Transaction.objects.filter(
                order_fill__batch=batch,
                order_fill__order__account=account,
                order_fill__order__broker="",
                reversed_by__isnull=True,
            )
            .select_related("account")
            .order_by("id")
        )
        if not rows:
            raise Conflict(
                "These fills were already taken back. Nothing more is needed.",
                code="already_reversed",
            )
        return reverse_all(originals=rows, user=user, now=now, note="Order fills taken back")
