"""The lots that orders have named: by what was filled of them, and by what is still open.

A fill that was taken back names nothing any more. What a broker filled stays filled, so its fills
name their lots though their transactions may be reversed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from django.db.models import Q

from transactions.ledger.entries import ChosenLot
from transactions.models import Order, OrderFill
from transactions.orders.lots import chosen_lots, left_of, next_lots

_COUNTED = Q(transaction__reversed_by__isnull=True) | ~Q(order__broker="")


def named_by_fills(orders: Iterable[Order]) -> Mapping[int, tuple[ChosenLot, ...]]:
    """Return the lots that the fills of sales name, by order, in one query."""
    wanted = [row.pk for row in orders if row.lots and row.filled_quantity]
    found: dict[int, list[ChosenLot]] = defaultdict(list)
    if wanted:
        fills = OrderFill.objects.filter(_COUNTED, order__in=wanted).order_by("id")
        for order_id, lots in fills.values_list("order_id", "transaction__lots"):
            found[order_id].extend(chosen_lots(lots))
    return {order_id: tuple(lots) for order_id, lots in found.items()}


def lots_of_next(
    order: Order, *, named: Collection[ChosenLot], filled: Decimal, quantity: Decimal
) -> tuple[ChosenLot, ...]:
    """Return the lots of the next `quantity` of an order of which `filled` is filled.

    What was filled without a name is skipped at the start of what is left.
    """
    unnamed = max(Decimal(0), filled - sum((lot.quantity for lot in named), Decimal(0)))
    return next_lots(left_of(chosen_lots(order.lots), named), before=unnamed, quantity=quantity)


def lots_open(orders: Collection[Order]) -> list[ChosenLot]:
    """Return the lots that open orders have yet to sell."""
    named = named_by_fills(orders)
    return [
        lot
        for order in orders
        if order.lots and order.standing.open
        for lot in lots_of_next(
            order,
            named=named.get(order.pk, ()),
            filled=order.filled_quantity,
            quantity=order.standing.open,
        )
    ]


def lots_spoken_for(orders: Collection[Order]) -> list[ChosenLot]:
    """Return the lots that orders have sold or have yet to sell."""
    sold = [lot for lots in named_by_fills(orders).values() for lot in lots]
    return [*sold, *lots_open(orders)]
