"""Error codes of orders."""

ORDER_CODES: dict[str, str] = {
    "order_not_found": "The order does not exist, or you have no access to it.",
    "account_or_recommendation": "Send either `account_id` or `recommendation_id`, not both.",
    "recommendation_not_approved": "Only an approved recommendation can be ordered.",
    "trade_not_recommended": (
        "The recommendation has no such trade. Send one of its trades, or place an order of "
        "the account."
    ),
    "quantity_exceeds_recommendation": (
        "The quantity is more than is left of the recommended trade. Lower it."
    ),
    "already_ordered": (
        "Every trade of the recommendation has an order already. Fill or cancel those."
    ),
    "price_stale": (
        "The newest price is missing or too old to place an order on. Wait for a newer one, or "
        "record the trade once it is done."
    ),
    "lots_changed": (
        "The lots that the sale names are not held any more. Request a new recommendation, or "
        "choose the lots again."
    ),
    "lots_required": "The account sells specific lots. Name the lots of the order.",
    "limit_price_required": "A limit order needs a limit price greater than zero. Add it.",
    "limit_price_not_allowed": "A market order has no limit price. Remove it.",
    "too_many_orders": "The account has the maximum number of open orders. Cancel some first.",
    "order_not_open": ("The order is filled, cancelled, rejected or expired. Place a new order."),
    "fill_exceeds_order": "The fill is more than is open of the order. Lower the quantity.",
    "basket_unknown": "The file format does not exist. Use schwab, fidelity or ibkr.",
    "fills_required": "No fill was given. Send at least one.",
    "broker_not_connected": (
        "The broker is not connected to the account. Place the order by hand, or ask the "
        "operator to connect it."
    ),
    "asset_not_at_broker": (
        "The broker does not trade this asset. Place the order by hand, or choose another asset."
    ),
    "account_has_open_orders": (
        "The account has open orders. Cancel them first, then archive the account."
    ),
    "filled_by_broker": (
        "The broker reports the fills of this order. They are recorded by themselves."
    ),
    "owner_required": (
        "The household files several returns. Send `owner_id`, the owner whose return it is."
    ),
    "owner_unknown": "No taxable account of the household has this owner. Check `owner_id`.",
}
