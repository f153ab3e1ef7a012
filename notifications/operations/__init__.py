"""Fan out events, deliver them on every channel, and change what people chose."""

from notifications.operations.claims import replay, replay_one
from notifications.operations.delivering import deliver, forget_old
from notifications.operations.news import announce_dates, announce_drifts
from notifications.operations.notices import mark_all_read, mark_read
from notifications.operations.own_data import request_archive
from notifications.operations.preferences import Given, set_preferences, unsubscribe
from notifications.operations.price_alerts import (
    create_price_alert,
    delete_price_alert,
    watch_prices,
)
from notifications.operations.push import own_public_key, subscribe, unsubscribe_browser
from notifications.operations.relaying import relay
from notifications.operations.webhooks import (
    change_webhook,
    create_webhook,
    delete_webhook,
    rotate_secret,
    send_test,
    shown_secret,
)

__all__ = [
    "Given",
    "announce_dates",
    "announce_drifts",
    "change_webhook",
    "create_price_alert",
    "create_webhook",
    "delete_price_alert",
    "delete_webhook",
    "deliver",
    "forget_old",
    "mark_all_read",
    "mark_read",
    "own_public_key",
    "relay",
    "replay",
    "replay_one",
    "request_archive",
    "rotate_secret",
    "send_test",
    "set_preferences",
    "shown_secret",
    "subscribe",
    "unsubscribe",
    "unsubscribe_browser",
    "watch_prices",
]
