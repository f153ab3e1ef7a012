"""Error codes of target sets and strategies, as `codes.py` lists them."""

CODES: dict[str, str] = {
    "class_not_filled": (
        "No fund that fills an asset class may be bought in the account. Lift a restriction, or "
        "choose other targets."
    ),
    "target_twice": "An asset, cash or an asset class has two weights. Join them into one.",
}
