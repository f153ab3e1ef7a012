"""Codes of harvests and refusals, and the sentences a person reads. Pure."""

from collections.abc import Mapping
from datetime import date

HARVEST, REPLACEMENT, SWITCH_BACK = "harvest_loss", "harvest_replacement", "switch_back"

# Why a loss is not offered. {s} is the symbol.
REFUSALS: Mapping[str, str] = {
    "not_taxable": "The account is not taxed, so a loss in it saves no tax.",
    "exchange_rate_unknown": "An exchange rate of the owner's tax return is not known, so the tax "
    "that {s} would save is not known either.",
    "at_gain": "No lot of {s} is at a loss after the cost of its sale.",
    "price_missing": "{s} has no price. Record one first.",
    "price_stale": "The price of {s} is stale, so its loss is not known well enough.",
    "price_estimated": "The price of {s} is your own last trade, so its loss is only an estimate.",
    "restricted": "A restriction forbids the sale of {s}.",
    "reinvested_recently": "{s} reinvested a dividend within the last 30 days. That purchase "
    "would wash a part of the loss.",
    "reinvestment_expected": "{s} reinvests its dividends, and the next one falls within 30 days "
    "after a sale. It would wash a part of the loss. Switch the reinvestment off, or wait.",
    "planned_purchase": "An open recommendation of the household buys {s} or something "
    "substantially identical. Decide on it first: that purchase would wash the loss.",
    "washed": "Purchases of the household within the last 30 days would wash the loss of {s}.",
    "washed_in_retirement_account": "A retirement account of the household bought {s} within the "
    "last 30 days. A part of the loss would be lost for good.",
    "bought_as_replacement": "{s} is bought as the replacement of another loss of this plan.",
    "group_in_plan": "A substantially identical security is already in this plan. Record its "
    "trades, then ask again.",
    "below_minimum_loss": "The loss of {s} is below your minimum.",
    "below_minimum_benefit": "After costs and the tax that comes back later, {s} brings less than "
    "your minimum.",
    "below_minimum_percentage": "After costs and the tax that comes back later, {s} brings less "
    "than your minimum share of the value sold.",
    "no_replacement": "No replacement of {s} is known or free to buy.",
}

# Why an asset has no candidates at all, as the nightly task stores it.
WITHOUT_CANDIDATES: Mapping[str, str] = {
    "history_too_short": "{s} has too few daily prices to compare it with others.",
    "nothing_alike": "No other security moves enough like {s}.",
    "not_screened": "{s} has not been compared with others yet. It is done every night.",
}

# Why a candidate is passed over.
CANDIDATE_REFUSALS: Mapping[str, str] = {
    "price_missing": "has no price",
    "price_stale": "has a stale price",
    "price_estimated": "has no price but an estimate",
    "wash_sale_window": "a loss of it was sold within the last 30 days",
    "restricted": "a restriction forbids its purchase",
    "substantially_identical": "is substantially identical",
    "sold_in_plan": "is itself sold at a loss in this plan",
    "unaffordable": "costs more than the proceeds for one share",
}

# The state of a switch back.
SWITCHES: Mapping[str, str] = {
    "offered": "The 30 days after the sale are over: {s} can be bought back.",
    "too_early": "Buying {s} back by then would wash the loss.",
    "large_gain": "The replacement has gained too much: selling it now costs more tax than the "
    "switch back is worth.",
    "purchase_blocked": "{s} cannot be bought now.",
    "sale_blocked": "The replacement cannot be sold now.",
    "traded_in_plan": "The replacement is traded by this plan. Record that first.",
    "price_missing": "A price is missing.",
}


def refusal(code: str, symbol: str, until: date | None = None) -> str:
    """Return the sentence of a refusal."""
    sentence = {**REFUSALS, **WITHOUT_CANDIDATES}[code].format(s=symbol)
    return f"{sentence} Until {until.isoformat()}." if until else sentence
