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
    "name_reserved": "The name is reserved. Choose another.",
    "name_unreadable": "The name has no letter and no digit. Choose another.",
    "text_invalid": "The text has characters that cannot be seen. Remove them.",
    "tag_invalid": "A tag has letters, digits and hyphens only, at most 32. Correct it.",
    "too_many_tags": "A strategy has at most ten tags. Leave some out.",
    "author_name_taken": "Another author has this name, or one that reads like it. Choose another.",
    "author_banned": "A moderator has ended your right to publish.",
    "own_strategy": "The strategy is of your own household, which cannot follow or report it.",
    "nothing_to_publish": "Weights and rules are those of the last version. Change them first.",
    "strategy_asset_unknown": (
        "A strategy has only securities of the market that can be bought. Replace the others."
    ),
    "strategy_hidden": "A moderator has hidden the strategy. It cannot be published meanwhile.",
    "strategy_is_draft": "The strategy is a draft. Publish it before taking it over.",
    "strategy_not_found": "The strategy does not exist, or you may not see it.",
    "strategy_retired": "The strategy is retired and stays as it is. Create another one.",
    "too_many_strategies": "You have the maximum number of strategies.",
    "too_many_versions": "The strategy has the maximum number of versions. Create another one.",
    "weight_ambiguous": (
        "A weight is that of a symbol, or of an asset class with the funds that fill it. Send one."
    ),
    "weight_zero": "A weight is zero. Remove it.",
    "weights_missing": "The strategy has no weights. Set them before publishing.",
    "target_twice": "An asset, cash or an asset class has two weights. Join them into one.",
}
