"""Error codes of targets, rebalancing and tax, as `codes.py` lists them."""

CODES: dict[str, str] = {
    "targets_missing": "The account has no targets. Set them first.",
    "targets_not_100": "The target weights must sum to 100 percent.",
    "target_invalid": "A target or band must be between 0 and 100 with at most four decimals.",
    "symbol_repeated": "A symbol appears twice. Send it once.",
    "kind_unknown": "The restriction must be no_buy, no_sell or no_trade.",
    "price_missing": "A held asset has no price. Record one first.",
    "price_not_at_rate": "The price is not the quote at the exchange rate. Send both again.",
    "cash_floor_unreachable": (
        "All permitted sales would not raise that much cash. Lower the cash floor."
    ),
    "limits_clash": (
        "No trades within the budgets leave the cash floor. Raise a budget, or lower the floor."
    ),
    "drift_limit_out_of_range": "drift_limit is a fraction from 0 to 1. Send one such as 0.02.",
    "symbol_not_in_account": (
        "A symbol to leave out is neither held nor targeted. Remove it from leave_out."
    ),
    "engine_starting": ("The engine is still starting. Ask for the curve again in a minute."),
    "computation_timeout": (
        "The job exceeded its time limit. Try again, with a smaller file if it is an import."
    ),
    "too_many_securities": (
        "The account has too many assets to rebalance. Sell or transfer some first."
    ),
    "too_many_lots": (
        "There are too many open lots for one answer. Request a harvest of one account."
    ),
    "night_ended": "The night has already ended or was cancelled. Choose another.",
    "recommendation_expired": (
        "The night that made the recommendation was too long ago. Request a new one."
    ),
    "already_decided": "The recommendation was already decided. Request a new one.",
    "decision_unknown": "The decision must be `approved` or `rejected`.",
    "recommendation_not_found": ("The recommendation does not exist, or you have no access to it."),
    "engine_version_unknown": (
        "Another engine version computed this recommendation, so it cannot be replayed. "
        "Request a new rebalance."
    ),
    "carryforward_repeated": "A member and year appear twice. Send each pair once.",
    "holding_unknown": "The asset was never held in the account. Check the symbol.",
    "year_out_of_range": "The tax year has not begun or is before 1950. Send another.",
}
