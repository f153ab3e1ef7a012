"""Descriptions of the fields of orders and their fills, by field name."""

_STATE = (
    "placed (by hand), sending, unknown (its answer was lost), submitted, partly_filled, filled, "
    "cancelled, rejected or expired."
)
_TYPE = "Type of the order: market or limit."

ORDERS: dict[str, str] = {
    "recommendation_id": "Recommendation (UUID).",
    "side": "Side of the trade: buy or sell.",
    "limit_price": "Worst price accepted, in the currency of the security; null at the market.",
    "filled_quantity": "Units filled so far.",
    "open_quantity": "Units that may still be filled; 0 once the order has ended.",
    "average_price": "Mean price of what is filled, before fees; null if nothing is.",
    "expected_price": "Price when the order was placed; null if it was recorded afterwards.",
    "broker": "Broker it was sent to; null for an order placed by hand.",
    "broker_order_id": "Id that the broker gave it; null if it has none.",
    "cancel_requested_at": "Time at which its cancellation was requested; null if it was not.",
    "fills": "Executed parts that count, oldest first; reversed ones are left out.",
    "OrderWriteRequest.broker": "Broker to send to; by hand without it.",
    "OrderRead.state": _STATE,
    "OrderDetail.state": _STATE,
    "OrderRead.type": _TYPE,
    "OrderDetail.type": _TYPE,
    "OrderWriteRequest.type": _TYPE,
    "OrderRead.reason": "Why it ended, or what stands against it; empty if nothing does.",
    "OrderDetail.reason": "Why it ended, or what stands against it; empty if nothing does.",
    "OrdersPlaced.data": "The orders placed, in the order of the trades.",
    "OrdersPlaced.total": "How many were placed.",
}
