"""Texts of notices and JSON of live events. Pure."""

import json
from collections.abc import Mapping
from typing import Any


def notice_title(*, topic: str, payload: Mapping[str, Any]) -> str | None:
    """Return the sentence a user reads; None for topics that are live events only."""
    if topic == "rebalance_complete":
        count = payload.get("trades", 0)
        name = payload.get("account_name", "your account")
        if not count:
            return f"{name} needs no trades. Every holding is inside its band."
        return f"{count} trade{'s' if count != 1 else ''} recommended for {name}."
    if topic == "harvest_complete":
        count, name = payload.get("offers", 0), payload.get("account_name", "your account")
        if not count:
            return f"{name} has no loss that is worth harvesting now."
        return f"{count} loss{'es' if count != 1 else ''} worth harvesting in {name}."
    if topic == "harvest_failed":
        name = payload.get("account_name") or "your account"
        return f"Looking for losses in {name} failed. Nothing was changed. Start it again."
    if topic == "rebalance_failed":
        name = payload.get("account_name") or "your account"
        return f"Rebalancing {name} failed. Nothing was changed. Start it again."
    if topic == "import_failed":
        name = payload.get("account_name") or "your account"
        reason = payload.get("detail") or "Nothing was changed."
        return f"A file could not be imported into {name}. {reason}"
    if topic == "corporate_action_waiting":
        name, day = payload.get("title", "A corporate action"), payload.get("ex_date", "")
        return f"{name} (ex-day {day}) waits for confirmation. See what it does to your accounts."
    return None


def event_text(*, topic: str, payload: Mapping[str, Any], title: str | None) -> str | None:
    """Return the stream's message: the event, with the notice's title if there is one."""
    if topic == "rebalance_complete":
        message = {
            "type": "rebalance_complete",
            "job_id": payload["job_id"],
            "account_id": payload["account_id"],
            "recommendation_id": payload.get("recommendation_id"),
            "title": title,
        }
    else:
        message = {"type": "notification", "topic": topic, "title": title, **payload}
    return json.dumps(message, separators=(",", ":"))
