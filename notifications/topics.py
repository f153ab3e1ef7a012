"""The topics a person can choose, and the events of the outbox that belong to them. Pure.

An event is a row of the outbox under a name; a topic is what a person switches on or off. A new
event needs an entry in EVENTS with its words, and is then delivered on every channel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from notifications import security_words

Payload = Mapping[str, Any]
TITLE_LENGTH_MAX = 200
# Channels a person chooses among. Webhooks choose their topics themselves.
CHOSEN_CHANNELS = ("in_app", "email", "push")


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the preferences: its words and the channels it uses unless changed."""

    name: str
    title: str
    description: str
    channels: tuple[str, ...]
    # Urgent events have workers of their own, and wait for neither quiet hours nor a digest.
    urgent: bool = False
    # Channels that cannot be switched off.
    required: tuple[str, ...] = ()


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(
            "recommendation_ready",
            "Recommendation ready",
            "A rebalance, a search for losses or a model you asked for has finished.",
            ("in_app",),
        ),
        Topic(
            "job_failed",
            "Something failed",
            "A rebalance, a search for losses, a model or an import could not be finished.",
            ("in_app", "email"),
        ),
        Topic(
            "import_finished",
            "Import finished",
            "The transactions of a file were recorded.",
            ("in_app",),
        ),
        Topic(
            "drift",
            "Drift past its limit",
            "The nightly check found an account away from its targets.",
            ("in_app", "email", "push"),
        ),
        Topic(
            "wash_sale",
            "Wash-sale warning",
            "A purchase you recorded disallows a loss, or part of it.",
            ("in_app", "email", "push"),
            urgent=True,
        ),
        Topic(
            "clean_day",
            "First clean day",
            "A security sold at a loss can be bought again without a wash sale.",
            ("in_app",),
        ),
        Topic(
            "long_term",
            "Lot turns long-term",
            "A lot in a taxable account has been held for more than a year.",
            ("in_app",),
        ),
        Topic(
            "price_alert",
            "Price alerts",
            "A price you wait for was reached.",
            ("in_app", "email", "push"),
            urgent=True,
        ),
        Topic(
            "corporate_action",
            "Corporate action to decide",
            "A split, merger or spin-off of a holding waits for your confirmation.",
            ("in_app", "email"),
        ),
        Topic(
            "dividend_due",
            "Dividend to record",
            "An announced dividend on shares you hold was paid some days ago and is not recorded.",
            ("in_app", "email"),
        ),
        Topic(
            "harvest_opportunity",
            "Losses worth a look",
            "Lots in a taxable account have lost enough to look for a harvest; once a month.",
            ("in_app",),
        ),
        Topic(
            "statement",
            "Statement of the month",
            "What was paid in, earned and recorded in an account in the last month.",
            ("in_app",),
        ),
        Topic(
            "strategy_news",
            "News of strategies",
            "A strategy you follow has a new version.",
            ("in_app",),
        ),
        Topic(
            "security",
            "Security of your log-in",
            "Log-ins from new devices, changed passwords, keys and second factors.",
            ("in_app", "email", "push"),
            urgent=True,
            required=("in_app", "email"),
        ),
    )
}
TOPIC_NAMES = tuple(sorted(TOPICS))


@dataclass(frozen=True, slots=True)
class Event:
    """How an event of the outbox is shown. Without a topic it is for open pages only."""

    topic: str | None
    title: Callable[[Payload], str] | None


def _count(number: int, noun: str, plural: str) -> str:
    return f"{number} {noun if number == 1 else plural}"


def _account(payload: Payload) -> str:
    return str(payload.get("account_name") or "your account")


def _rebalanced(payload: Payload) -> str:
    count = payload.get("trades", 0)
    if not count:
        return f"{_account(payload)} needs no trades. Every holding is inside its band."
    return f"{_count(count, 'trade', 'trades')} recommended for {_account(payload)}."


def _harvested(payload: Payload) -> str:
    count = payload.get("offers", 0)
    if not count:
        return f"{_account(payload)} has no loss that is worth harvesting now."
    return f"{_count(count, 'loss', 'losses')} worth harvesting in {_account(payload)}."


def _import_failed(payload: Payload) -> str:
    reason = payload.get("detail") or "Nothing was changed."
    return f"A file could not be imported into {_account(payload)}. {reason}"


def _action_waiting(payload: Payload) -> str:
    name, day = payload.get("title", "A corporate action"), payload.get("ex_date", "")
    return f"{name} (ex-day {day}) waits for confirmation. See what it does to your accounts."


def _price_alert(payload: Payload) -> str:
    symbol, price = payload["symbol"], f"{payload['price']} {payload['currency']}"
    if payload["kind"] == "move":
        return f"{symbol} has moved {payload['move']} % today, to {price}."
    side = "at or above" if payload["kind"] == "above" else "at or below"
    return f"{symbol} is {side} {payload['value']} {payload['currency']}: {price}."


def _wash_sale(payload: Payload) -> str:
    loss = f"{payload['disallowed']} {payload['currency']}"
    return (
        f"Buying {payload['symbol']} in {_account(payload)} disallows a loss of {loss} from "
        f"{payload['sold_date']} (wash sale)."
    )


def _drift(payload: Payload) -> str:
    return f"{_account(payload)} has drifted {payload['drift']} % from its targets."


def _clean_day(payload: Payload) -> str:
    return (
        f"{payload['symbol']} can be bought again: the wash-sale window of the loss of "
        f"{payload['sold_date']} has ended."
    )


def _long_term(payload: Payload) -> str:
    return (
        f"{payload['quantity']} {payload['symbol']} in {_account(payload)} are long-term since "
        f"{payload['since']}."
    )


def _dividend_due(payload: Payload) -> str:
    named, count = ", ".join(payload["symbols"]), payload["count"]
    more = count - len(payload["symbols"])
    names = f"{named} and {more} more" if more > 0 else named
    return (
        f"{_count(count, 'dividend', 'dividends')} in {_account(payload)} "
        f"{'is' if count == 1 else 'are'} not recorded: {names}."
    )


def _harvest_opportunity(payload: Payload) -> str:
    return (
        f"Lots in {_account(payload)} have lost {payload['loss']} {payload['currency']}. See what "
        "harvesting them is worth."
    )


def _statement(payload: Payload) -> str:
    currency = payload["currency"]
    return (
        f"{_account(payload)} in {payload['month']}: "
        f"{_count(payload['transactions'], 'transaction', 'transactions')}, "
        f"{payload['paid_in']} {currency} paid in, {payload['income']} {currency} of income in "
        "cash."
    )


def _strategy_version(payload: Payload) -> str:
    return (
        f"{payload['strategy_name']} has version {payload['number']}. See what it would change "
        "in your accounts; nothing happens by itself."
    )


EVENTS: dict[str, Event] = {
    "rebalance_complete": Event("recommendation_ready", _rebalanced),
    "harvest_complete": Event("recommendation_ready", _harvested),
    "allocation_complete": Event(
        "recommendation_ready",
        lambda payload: f"Weights are fitted: {payload['model']}. See the evidence beside 1/N.",
    ),
    "fit_allocation_failed": Event(
        "job_failed",
        lambda payload: f"A model could not be fitted. {payload.get('detail', '')}".strip(),
    ),
    "rebalance_failed": Event(
        "job_failed",
        lambda payload: (
            f"Rebalancing {_account(payload)} failed. Nothing was changed. Start it again."
        ),
    ),
    "harvest_failed": Event(
        "job_failed",
        lambda payload: (
            f"Looking for losses in {_account(payload)} failed. Nothing was changed. Start it "
            "again."
        ),
    ),
    "import_failed": Event("job_failed", _import_failed),
    "import_complete": Event(
        "import_finished",
        lambda payload: (
            f"{_count(payload['rows'], 'transaction', 'transactions')} imported into "
            f"{_account(payload)}."
        ),
    ),
    "corporate_action_waiting": Event("corporate_action", _action_waiting),
    "price_alert": Event("price_alert", _price_alert),
    "wash_sale": Event("wash_sale", _wash_sale),
    "drift": Event("drift", _drift),
    "clean_day": Event("clean_day", _clean_day),
    "long_term": Event("long_term", _long_term),
    "dividend_due": Event("dividend_due", _dividend_due),
    "harvest_opportunity": Event("harvest_opportunity", _harvest_opportunity),
    "statement": Event("statement", _statement),
    "strategy_version": Event("strategy_news", _strategy_version),
    "security": Event("security", security_words.subject),
    "transactions_recorded": Event(None, None),
}


def event_of(name: str) -> Event:
    """Return how an event is shown; other names are for open pages only.

    Raise KeyError for a kind of security event without words: nothing about someone's log-in is
    dropped silently.
    """
    return EVENTS.get(name, Event(None, None))


def title_of(*, name: str, payload: Payload) -> str | None:
    """Return the sentence a person reads; None for events that are for open pages only."""
    event = event_of(name)
    if event.title is None:
        return None
    sentence = event.title(payload)
    if len(sentence) <= TITLE_LENGTH_MAX:
        return sentence
    return sentence[: TITLE_LENGTH_MAX - 1].rstrip() + "…"
