"""A broker that does not exist, for the demonstration. Pure.

It behaves as badly as real ones do, and by the client id always in the same way:

    every tenth order is refused
    of every third, the first answer is lost although the order arrived
    at the first look half of an order is filled, at the second the rest, both at the price at which
    it was placed (a limit order at its limit)

Its book is kept by the caller; `SimulatedBook` says how.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from hashlib import sha256
from typing import Protocol

from core.money import WIDE
from transactions.orders.brokers.port import (
    AnswerLost,
    BrokerOrder,
    BrokerRequest,
    BrokerState,
    Refused,
)

_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class SimulatedOrder:
    """An order in the book of the simulated broker."""

    client_id: str
    quantity: Decimal
    price: Decimal
    filled: Decimal = Decimal(0)
    state: str = BrokerState.OPEN
    looks: int = 0


class SimulatedBook(Protocol):
    """Where the simulated broker keeps its orders; each call is a transaction of its own."""

    def add(self, order: SimulatedOrder) -> SimulatedOrder:
        """Keep a new order; return the one that is there if its client id is known."""
        ...

    def get(self, client_id: str) -> SimulatedOrder | None: ...

    def put(self, order: SimulatedOrder) -> None: ...


def draw(client_id: str, sides: int) -> int:
    """Return a number below `sides` that depends on the client id alone."""
    return int.from_bytes(sha256(client_id.encode()).digest()[:8]) % sides


def looked_at(order: SimulatedOrder) -> SimulatedOrder:
    """Return the order after one more look: half filled, then filled."""
    if order.state != BrokerState.OPEN:
        return order
    half = (order.quantity / 2).quantize(_STEP, rounding=ROUND_DOWN)
    if order.looks == 0 and half:
        return replace(order, looks=1, filled=half)
    return replace(order, looks=order.looks + 1, filled=order.quantity, state=BrokerState.FILLED)


@dataclass(frozen=True, slots=True)
class Simulated:
    """The simulated broker over its book. `price`: at what it fills orders at the market."""

    book: SimulatedBook
    price: Decimal
    name: str = "simulated"

    def find(self, client_id: str) -> BrokerOrder | None:
        order = self.book.get(client_id)
        if order is None:
            return None
        after = looked_at(order)
        if after != order:
            self.book.put(after)
        return _stated(after)

    def submit(self, request: BrokerRequest) -> BrokerOrder:
        if draw(request.client_id, 10) == 0:
            raise Refused("The simulated broker refuses every tenth order.")
        price = self.price if request.limit_price is None else request.limit_price
        kept = self.book.add(SimulatedOrder(request.client_id, request.quantity, price))
        if draw(request.client_id, 3) == 0 and kept.looks == 0:
            raise AnswerLost("The simulated broker lost its answer.")
        return _stated(kept)

    def cancel(self, order_id: str) -> None:
        order = self.book.get(order_id)
        if order is not None and order.state == BrokerState.OPEN:
            self.book.put(replace(order, state=BrokerState.CANCELLED))


def _stated(order: SimulatedOrder) -> BrokerOrder:
    return BrokerOrder(
        id=order.client_id,
        client_id=order.client_id,
        state=BrokerState(order.state),
        filled_quantity=order.filled,
        filled_value=WIDE.multiply(order.filled, order.price),
    )
