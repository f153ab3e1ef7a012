"""Send orders to brokers and follow them there: one order for one wish, whatever dies.

    look     ask the broker for the client id, which was written when the order was placed
    found    what it filled becomes transactions; its state becomes that of the order
    not      check price and lots once more; write that it is sent; send it
    lost     the answer never came: `unknown`, and the next step is a look

So a step that dies anywhere is repeated by looking first. If two workers look and send at the same
moment, the broker has one order all the same, because it keeps one for each client id.

A call that was given up may still arrive. Therefore nothing is concluded from an order that is not
there until LATE_MAX has passed since it was sent; to send it once more is safe at any time.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from core.errors import BallastError
from core.money import quantize
from jobs.models import Queue
from jobs.operations import Claim, Ending, Told, complete, enqueue, fail, result_written
from stores.locks import locked
from transactions.models import Order, OrderFill, OrderSide
from transactions.operations.archiving import reopen
from transactions.operations.books.households import lock_household
from transactions.operations.filled_orders import stand
from transactions.operations.orders.brokers import broker_of, ensure_taken
from transactions.operations.orders.checks import Sale, ensure_held, fresh_quotes
from transactions.operations.orders.filling import Fill, write_fills
from transactions.operations.orders.naming import lots_open
from transactions.orders.brokers.port import (
    AnswerLost,
    Broker,
    BrokerOrder,
    BrokerRequest,
    BrokerState,
    Refused,
)
from transactions.orders.states import (
    ENDED,
    UNCERTAIN,
    Standing,
    accepted,
    answer_lost,
    cancelled,
    expired,
    rejected,
)

logger = logging.getLogger(__name__)

FOLLOW = "transactions.follow_order"
LATE_MAX = timedelta(seconds=60)
_PAUSES_S = (2.0, 60.0)
_LOOKS_AT_ONCE_MAX = 200
_REASON_LENGTH_MAX = 500
_ENDINGS: Mapping[BrokerState, Callable[[Standing], Standing]] = {
    BrokerState.CANCELLED: cancelled,
    BrokerState.EXPIRED: expired,
    BrokerState.REJECTED: rejected,
}


def follow_soon(*, orders: Iterable[Order], now: datetime) -> None:
    """Write a job for each order at a broker; identical ones that wait are one."""
    for order in orders:
        enqueue(
            kind=FOLLOW,
            queue=Queue.INTERACTIVE,
            user=None,
            household_id=None,
            subject_id=order.public_id,
            params={"order_id": str(order.public_id)},
            now=now,
            estimate_s=5.0,
        )


def follow_due(*, now: datetime) -> int:
    """Write jobs for the orders that are due to be looked at; return how many."""
    due = list(Order.objects.filter(look_at__lte=now).order_by("look_at")[:_LOOKS_AT_ONCE_MAX])
    follow_soon(orders=due, now=now)
    return len(due)


def run(claim: Claim, now: datetime, told: Told) -> None:
    """Follow the claimed order one step, and end the job."""
    order = Order.objects.get(public_id=claim.params["order_id"])
    state = follow(order=order, now=now)
    with result_written():
        complete(claim=claim, result={"order_id": str(order.public_id), "state": state})


def give_up(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed; the order is looked at again when it is due."""
    fail(claim=claim, code=ending.code, detail=ending.detail, account_name="", now=now)


def follow(*, order: Order, now: datetime) -> str:
    """Look for the order at its broker, and send it if it is not there. Return its state."""
    row = Order.objects.select_related("account", "asset").get(pk=order.pk)
    if not row.broker or row.state in ENDED:
        Order.objects.filter(pk=row.pk, look_at__isnull=False).update(look_at=None)
        return row.state
    broker = broker_of(row)
    try:
        there = broker.find(str(row.public_id))
        if there is None:
            there = _sent(row, broker, now)
        if there is not None:
            _take_over(row, there, now)
            if _is_to_be_cancelled(row, there):
                broker.cancel(there.id)
                if (after := broker.find(str(row.public_id))) is not None:
                    _take_over(row, after, now)
    except AnswerLost as lost:
        logger.warning("order %s: no answer of %s: %s", row.public_id, broker.name, lost)
        _note(row, now, lambda one: answer_lost(one) if one.state in UNCERTAIN else one)
    except Refused as refusal:
        change = None if _may_arrive_late(row, now) else rejected
        _note(row, now, change, reason=refusal.detail)
    row.refresh_from_db()
    return row.state


def _is_to_be_cancelled(row: Order, there: BrokerOrder) -> bool:
    wanted = Order.objects.filter(pk=row.pk, cancel_requested_at__isnull=False).exists()
    return wanted and there.state == BrokerState.OPEN


def _sent(row: Order, broker: Broker, now: datetime) -> BrokerOrder | None:
    """Send an order that is not there; None if it is not to be sent, or not yet."""
    if row.state not in UNCERTAIN:
        _note(row, now, reason="The broker does not know this order at the moment.")
        return None
    if row.cancel_requested_at is not None:
        _note(row, now, None if _may_arrive_late(row, now) else cancelled)
        return None
    try:
        _ensure_sendable(row, now)
    except BallastError as refusal:
        change = None if _may_arrive_late(row, now) else rejected
        _note(row, now, change, reason=f"Not sent. {refusal.detail}")
        return None
    if not _claimed(row, now):
        return None
    return broker.submit(
        BrokerRequest(
            client_id=str(row.public_id),
            symbol=row.asset.symbol,
            side=row.side,
            quantity=row.quantity,
            limit_price=row.limit_price,
        )
    )


def _may_arrive_late(row: Order, now: datetime) -> bool:
    """Return whether a call made before this step may still reach the broker."""
    return row.submitted_at is not None and now - row.submitted_at < LATE_MAX


def _claimed(row: Order, now: datetime) -> bool:
    """Write that the order is sent now, before the call; False if it was cancelled meanwhile."""
    rows = Order.objects.filter(
        pk=row.pk, state__in=[state.value for state in UNCERTAIN], cancel_requested_at__isnull=True
    )
    return bool(rows.update(submitted_at=now))


def _ensure_sendable(row: Order, now: datetime) -> None:
    """Refuse an order on a stale price, of more than is held, or of what cannot be sent."""
    ensure_taken(row.broker, [row.asset])
    fresh_quotes(assets=[row.asset], now=now)
    if row.side == OrderSide.SELL:
        sale = Sale(row.asset, row.standing.open, lots_open([row]))
        ensure_held(account=row.account, sales=[sale], day=now, except_order=row)


def _take_over(row: Order, there: BrokerOrder, now: datetime) -> None:
    """Make the order what it is at the broker: its fills are transactions, its state the same."""
    try:
        with transaction.atomic():
            household = lock_household(household_id=row.account.household_id)
            order = locked(
                Order.objects.filter(pk=row.pk).select_related("asset"), of=("self",)
            ).get()
            if order.state in ENDED:
                return
            order.broker_order_id = there.id
            order.reason = ""
            added = there.filled_quantity - order.filled_quantity
            if added > 0:
                account = household.accounts[row.account_id]
                if account.archived_at is not None:
                    # It was archived before the broker filled: it holds something again.
                    reopen(account)
                fill = _fill(order, there, now)
                write_fills(
                    account=account,
                    orders={order.pk: order},
                    fills=[fill],
                    user=order.created_by,
                    now=now,
                )
            ending = _ENDINGS.get(there.state)
            if order.state not in ENDED:
                stand(order, (ending or accepted)(order.standing))
            order.look_at = None if order.state in ENDED else _next_look(order, now)
            order.save(
                update_fields=["state", "filled_quantity", "broker_order_id", "reason", "look_at"]
            )
    except BallastError as refusal:
        # What the broker filled is a fact: it is tried again until the ledger takes it.
        _note(row, now, reason=f"The broker's fill is not recorded yet. {refusal.detail}")


def _fill(order: Order, there: BrokerOrder, now: datetime) -> Fill:
    """Return what the broker filled beyond what is recorded, at what that came to.

    The broker's own figures are compared with each other: the investor may correct the transactions
    of earlier fills, and that changes nothing of what the broker fills next.
    """
    fills = OrderFill.objects.filter(order=order)
    reported = fills.aggregate(sum=Sum("reported_amount"))["sum"] or Decimal(0)
    value = quantize(there.filled_value, order.asset.currency) - reported
    return Fill(
        order_id=order.pk,
        quantity=there.filled_quantity - order.filled_quantity,
        executed_at=min(there.changed_at or now, now),
        amount=max(value, Decimal(0)),
    )


def _note(
    row: Order,
    now: datetime,
    change: Callable[[Standing], Standing] | None = None,
    *,
    reason: str | None = None,
) -> None:
    """Write a new standing and reason of an order, and when it is looked at next."""
    with transaction.atomic():
        order: Any = locked(Order.objects.filter(pk=row.pk)).get()
        if order.state in ENDED:
            return
        if change is not None:
            stand(order, change(order.standing))
        if reason is not None:
            order.reason = reason[:_REASON_LENGTH_MAX]
        order.look_at = None if order.state in ENDED else _next_look(order, now)
        order.save(update_fields=["state", "filled_quantity", "reason", "look_at"])


def _next_look(order: Order, now: datetime) -> datetime:
    """Return when to look again: soon for a young order, each minute for an old one."""
    first, longest = _PAUSES_S
    age_s = max(0.0, (now - order.created_at).total_seconds())
    return now + timedelta(seconds=min(longest, max(first, age_s / 10)))
