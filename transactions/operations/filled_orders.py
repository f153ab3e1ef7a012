"""Keep orders in step with the ledger: fills whose transactions are reversed or corrected."""

from collections.abc import Iterable

from stores.locks import locked
from transactions.models import Order, OrderFill, Transaction
from transactions.orders import states
from transactions.orders.states import Standing, unfilled


def stand(order: Order, standing: Standing) -> None:
    """Give a locked order its new standing; the caller saves it."""
    order.state, order.filled_quantity = standing.state.value, standing.filled


def withdraw_fills(*, transaction_ids: Iterable[int]) -> None:
    """Take the fills of these transactions, which were just reversed, off their orders.

    The household is locked. What a broker filled stays filled, whatever the ledger says.
    """
    fills = list(OrderFill.objects.filter(transaction_id__in=list(transaction_ids)))
    orders = {
        row.pk: row
        for row in locked(Order.objects.filter(pk__in={fill.order_id for fill in fills}, broker=""))
    }
    for fill in fills:
        order = orders.get(fill.order_id)
        if order is not None:
            stand(order, unfilled(order.standing, fill.quantity))
    Order.objects.bulk_update(orders.values(), ["state", "filled_quantity"])


def follow_correction(*, original_id: int, corrected: Transaction) -> None:
    """Move the fill of a corrected transaction on to the one that replaces it.

    A correction to another kind or another asset is no fill of the order any more. Raise Conflict
    if the order would be filled beyond its quantity.
    """
    fill = OrderFill.objects.filter(transaction_id=original_id).first()
    if fill is None:
        return
    order = locked(Order.objects.filter(pk=fill.order_id)).get()
    is_same = (corrected.type, corrected.asset_id) == (order.side, order.asset_id)
    if order.broker and not is_same:
        return
    if not order.broker:
        if is_same:
            assert corrected.quantity is not None, "a trade has a quantity"
            standing = states.corrected(order.standing, fill.quantity, to=corrected.quantity)
            fill.quantity = corrected.quantity
        else:
            standing = unfilled(order.standing, fill.quantity)
        stand(order, standing)
        order.save(update_fields=["state", "filled_quantity"])
    if is_same:
        fill.transaction = corrected
        fill.save(update_fields=["transaction", "quantity"])
