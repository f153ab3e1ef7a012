"""Orders as their pages show them: what is open, what is filled, and what to type at the broker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.money import plain
from dashboard.forms.orders import FillForm
from marketdata.quotes import Quote
from transactions.models import Order, OrderFill
from transactions.operations.orders import Wish
from transactions.operations.orders.brokers import label_of
from transactions.orders.baskets import BasketOrder
from transactions.orders.states import State
from transactions.queries.orders import NamedLot

STATE_WORDS = {
    State.PLACED: ("To be placed", "accent"),
    State.SENDING: ("Being sent", "accent"),
    State.UNKNOWN: ("Answer lost, being looked up", "warn"),
    State.SUBMITTED: ("At the broker", "accent"),
    State.PARTLY_FILLED: ("Partly filled", "warn"),
    State.FILLED: ("Filled", "gain"),
    State.CANCELLED: ("Cancelled", ""),
    State.REJECTED: ("Rejected", "loss"),
    State.EXPIRED: ("Expired", ""),
}


@dataclass(slots=True)
class OrderLine:
    """One row of a sheet or of a list. `form` is absent where nothing can be recorded by hand."""

    side: str
    symbol: str
    currency: str
    quantity: Decimal
    open: Decimal
    filled: Decimal
    words: str
    tone: str
    place: int | None = None
    order: Order | None = None
    price: Decimal | None = None
    price_at: datetime | None = None
    stale: bool = False
    average: Decimal | None = None
    limit_price: Decimal | None = None
    reason: str = ""
    broker: str = ""
    lots: Sequence[NamedLot] = ()
    form: FillForm | None = field(default=None)

    @property
    def by_hand(self) -> bool:
        """Return whether the investor has to give it to the broker: no broker has it from us."""
        return bool(self.open) and (self.order is None or not self.order.broker)

    @property
    def basket(self) -> BasketOrder:
        return BasketOrder(self.symbol, self.side, self.open, self.currency, self.limit_price)


def line_of_order(
    row: Order, *, quote: Quote | None, lots: Sequence[NamedLot], average: Decimal | None
) -> OrderLine:
    """Return the line of an order; needs its asset."""
    words, tone = STATE_WORDS[State(row.state)]
    return OrderLine(
        side=row.side,
        symbol=row.asset.symbol,
        currency=row.asset.currency,
        quantity=row.quantity,
        open=row.standing.open,
        filled=row.filled_quantity,
        words=words,
        tone=tone,
        place=row.place,
        order=row,
        price=quote.price if quote else row.expected_price,
        price_at=quote.as_of if quote else None,
        stale=quote is None or quote.stale,
        average=average,
        limit_price=row.limit_price,
        reason=row.reason,
        broker=label_of(row.broker),
        lots=lots,
    )


def line_of_wish(
    wish: Wish, *, currency: str, quote: Quote | None, lots: Sequence[NamedLot]
) -> OrderLine:
    """Return the line of a recommended trade that is no order yet."""
    words, tone = STATE_WORDS[State.CANCELLED if wish.dropped else State.PLACED]
    return OrderLine(
        side=wish.side,
        symbol=wish.symbol,
        currency=currency,
        quantity=wish.quantity,
        open=Decimal(0) if wish.dropped else wish.quantity,
        filled=Decimal(0),
        words=words,
        tone=tone,
        place=wish.place,
        price=quote.price if quote else wish.expected_price,
        price_at=quote.as_of if quote else None,
        stale=quote is None or quote.stale,
        reason=wish.dropped,
        lots=lots,
    )


def prefilled(line: OrderLine, *, today: date, ticked: bool) -> dict[str, object]:
    """Return the initial values of a line's fill: all that is open, at the newest price, today."""
    price = None if line.price is None else plain(round(line.price, 4))
    return {
        "ticked": ticked,
        "quantity": plain(line.open),
        "price": price,
        "executed_on": today,
        "fee": "0",
    }


@dataclass(frozen=True, slots=True)
class Batch:
    """Fills that were recorded in one go."""

    id: UUID
    recorded_at: datetime
    fills: tuple[OrderFill, ...]

    @property
    def by_broker(self) -> bool:
        return any(fill.order.broker for fill in self.fills)


def batches(fills: Sequence[OrderFill]) -> list[Batch]:
    """Return fills by the go in which they were recorded, newest first."""
    found: dict[UUID, list[OrderFill]] = {}
    for fill in fills:
        found.setdefault(fill.batch, []).append(fill)
    rows = [Batch(batch, rows[0].recorded_at, tuple(rows)) for batch, rows in found.items()]
    return sorted(rows, key=lambda row: row.recorded_at, reverse=True)
