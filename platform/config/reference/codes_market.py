"""Error codes of securities, prices and corporate actions. See `codes`."""

MARKET_CODES: dict[str, dict[str, str]] = {
    "Securities and prices": {
        "symbol_unknown": (
            "No asset has this symbol, or it belongs to another household. Search for it."
        ),
        "symbol_invalid": "The text is not a valid symbol. Use capitals, digits, dots and hyphens.",
        "symbol_reserved": "The symbol is reserved. Choose another.",
        "symbol_taken": "Another asset already has this symbol. Choose another.",
        "vendor_not_configured": (
            "No vendor of market data that can search is set up. Name one in `PROVIDERS`."
        ),
        "vendor_unavailable": "No vendor of market data answers. Try again after `Retry-After`.",
        "vendor_quota_used": (
            "The calls of the vendor are used up for now. Try again after `Retry-After`."
        ),
        "vendor_unknown": "The vendor is not set up in this installation. Search again.",
        "vendor_symbol_unknown": "The vendor does not know this symbol. Search for it first.",
        "vendor_currency_unknown": (
            "The vendor does not say the currency of the security. Add it as an asset of your own."
        ),
        "symbols_required": "No symbol was given. Send at least one.",
        "too_many_symbols": "Too many symbols in one request. Ask for fewer at once.",
        "asset_class_unknown": (
            "The asset class does not exist. Use one of those in the API schema."
        ),
        "too_many_own_prices": (
            "The household has the maximum number of own prices. Delete some first."
        ),
        "own_price_not_found": (
            "Your household has no price of this asset on that day. Read the list again."
        ),
        "price_jump": (
            "A warning: the price is a hundred times the one before or after it, or a hundredth, "
            "and no split is between them. Check the decimal point, the currency and percent of "
            "par."
        ),
        "choice_unknown": "This choice does not exist. Reload the page.",
        "targets_left_out": (
            "Every target is of a holding that is left out. Enter prices for estimates, or leave "
            "out fewer symbols."
        ),
        "price_not_used": (
            "A warning: a source has a price of that day, which takes precedence. Nothing to do."
        ),
        "asset_not_own": (
            "Public assets cannot be changed. Change only assets your household created."
        ),
        "asset_not_tradable": "The asset cannot be bought or sold. Choose another.",
        "currency_unknown": "The currency is not supported. Send an ISO 4217 code such as USD.",
        "exchange_rate_unknown": (
            "No exchange rate is available for this pair and date. Send `fx_rate` if you can."
        ),
        "identical_to_itself": "An asset cannot be identical to itself. Name another asset.",
        "isin_invalid": "The ISIN is not valid. Check its 12 characters.",
        "prices_moving": "Prices of this range are being moved to the archive. Try again shortly.",
        "prices_unavailable": (
            "Older prices of this range cannot be read now. Try again later, or ask for newer ones."
        ),
        "adjustment_unknown": "`adjustment` must be published, raw or splits.",
        "adjustment_not_available": (
            "The publisher took dividends out of these prices, which cannot be undone. Ask for "
            "`adjustment=published`."
        ),
        "limit_invalid": "`limit` must be a whole number from 1 to 10000.",
        "interval_unknown": "`interval` must be 1d, 1h or 1m.",
        "list_required": "The body must be a list. Send a JSON array.",
        "prices_required": "No price was given. Send at least one.",
        "price_unknown": "The asset has no price. Send one.",
        "date_repeated": "A day appears twice. Send each day once.",
        "too_many_assets": "Too many assets in one request. Ask for fewer at once.",
        "too_many_own_assets": (
            "The household has the maximum number of own assets. Use an existing one."
        ),
        "too_many_rows": "Too many rows in one request. Send fewer at once.",
        "column_unknown": "The table has no such column. Choose one that it has.",
    },
    "Corporate actions": {
        "corporate_action_not_found": (
            "The corporate action does not exist, or you have no access to it."
        ),
        "action_already_booked": (
            "The account has this corporate action already. Correct its transaction instead."
        ),
        "action_not_confirmed": (
            "The action is not confirmed for your household. There is nothing to withdraw."
        ),
        "action_of_a_household": (
            "A household proposed the action for itself. Propose it for everyone first."
        ),
        "action_withdrawn": "The action was withdrawn. Propose it again, with the right terms.",
        "new_share_value_required": (
            "Cash beside shares needs the value of a new share, and nothing else does."
        ),
        "payment_before_ex_date": "The payment is before the ex-day. Correct one of them.",
        "tendered_required": (
            "An exchange offer needs the units that each account tenders; nothing else has any."
        ),
        "term_not_allowed": "This kind of action does not use the term. Remove it.",
        "term_required": "A term of the action is missing. Add it.",
    },
}
