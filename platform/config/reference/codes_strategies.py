"""Error codes of target sets and strategies, as `codes.py` lists them."""

CODES: dict[str, str] = {
    "class_not_filled": (
        "No fund that fills an asset class may be bought in the account. Lift a restriction, or "
        "choose other targets."
    ),
    "moderation_reason_required": "A decision or an appeal has no reason, or a too long one.",
    "moderation_without_effect": "The decision would change nothing. Look at the last one.",
    "nothing_to_appeal": (
        "There is no decision against the strategy, or it was appealed already. Wait for an answer."
    ),
    "strategy_unknown": "The id of a strategy is not valid. Copy it from the strategy's page.",
    "too_many_compared": "More than four strategies are to be compared. Leave some out.",
    "target_twice": "An asset, cash or an asset class has two weights. Join them into one.",
}
