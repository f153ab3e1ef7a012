"""The JSON of live events, as open pages receive it. Pure."""

import json
from collections.abc import Mapping
from typing import Any


def event_text(*, name: str, payload: Mapping[str, Any], title: str | None) -> str:
    """Return the stream's message: the event, with the notice's title if there is one."""
    if name == "rebalance_complete":
        message = {
            "type": "rebalance_complete",
            "job_id": payload["job_id"],
            "account_id": payload["account_id"],
            "recommendation_id": payload.get("recommendation_id"),
            "title": title,
        }
    else:
        message = {"type": "notification", "topic": name, "title": title, **payload}
    return json.dumps(message, separators=(",", ":"))
