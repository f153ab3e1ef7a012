"""The reference of preferences, price alerts and webhooks: fields, codes and example requests."""

from typing import Any

MEANINGS: dict[str, str] = {
    # notices
    "marked": "Number of notices marked.",
    # preferences
    "unread": "Only notices not read yet.",
    "topics": "Topics and the channels of each.",
    "channels": "Channels the topic goes out on.",
    "in_app": "Whether notices appear in the application.",
    "push": "Whether it is pushed to the browsers that subscribed.",
    "ChannelsRead.email": "Whether mails are sent.",
    "ChannelsWriteRequest.email": "Whether mails are sent.",
    "required_channels": "Channels that cannot be switched off.",
    "urgent": "Whether it waits for neither quiet hours nor a digest.",
    "time_zone": "Time zone of the quiet hours and of the digest, such as America/New_York.",
    "quiet_hours": "Hours without mails and pushes, except urgent ones; null for none.",
    "start": "Begin of the quiet hours, HH:MM.",
    "end": "End of the quiet hours, HH:MM; earlier than the begin if they pass midnight.",
    "digest": "Whether mails that are not urgent are gathered: none, daily or weekly.",
    "muted_accounts": "Accounts (UUID) that send nothing but security notices.",
    "TopicRead.topic": "Name of the topic.",
    "TopicWriteRequest.topic": "Name of the topic.",
    "TopicRead.description": "When it is sent.",
    # price alerts
    "PriceAlertRead.kind": "above, below, or move: a percentage of the previous close.",
    "PriceAlertWriteRequest.kind": "above, below, or move: a percentage of the previous close.",
    "PriceAlertRead.value": "Price in the currency of the security, or the percentage of a move.",
    "PriceAlertWriteRequest.value": (
        "Price in the currency of the security, or the percentage of a move."
    ),
    "PriceAlertRead.currency": "Currency of the security.",
    "armed": "Whether the next crossing fires; false until the price was on the other side.",
    "fired_at": "Time of the last crossing; null before the first.",
    "alert_id": "Price alert (UUID).",
    # pushes
    "subscription_id": "Browser that takes pushes (UUID).",
    "endpoint": "Address at which the browser's service takes messages.",
    "keys": "Keys of the subscription, as the browser gave them.",
    "p256dh": "Public key of the browser, base64url.",
    "auth": "Secret of the browser, base64url.",
    "expirationTime": "As the browser sends it; not used.",
    "public_key": "Public key that a subscription names as `applicationServerKey`, base64url.",
    # webhooks
    "webhook_id": "Webhook (UUID).",
    "WebhookRead.topics": "Topics that are sent.",
    "WebhookSecretRead.topics": "Topics that are sent.",
    "WebhookWriteRequest.topics": "Topics to send.",
    "PatchedWebhookChangeRequest.topics": "Topics to send.",
    "WebhookWriteRequest.url": "Address that receives the events: https only.",
    "PatchedWebhookChangeRequest.url": "Address that receives the events: https only.",
    "WebhookRead.url": "Address that receives the events.",
    "WebhookSecretRead.url": "Address that receives the events.",
    "WebhookRead.enabled": "Whether anything is sent.",
    "WebhookSecretRead.enabled": "Whether anything is sent.",
    "PatchedWebhookChangeRequest.enabled": "Whether anything is sent.",
    "disabled_reason": "Why nothing is sent; empty while enabled.",
    "secret": "Secret that signs every message (Standard Webhooks); shown here only.",
    "previous_secret_until": "Until when the previous secret signs as well; null if it does not.",
    "WebhookDeliveryRead.topic": "Name of the event.",
    "WebhookDeliveryRead.state": (
        "waiting, sent, dropped (no longer wanted) or dead (failed for good)."
    ),
    "WebhookDeliveryRead.attempts": "Number of times it was sent.",
    "WebhookDeliveryRead.finished_at": "Time at which it was taken or given up; null until then.",
    "next_at": "Time of the next try; null if there is none.",
    "response_status": "HTTP status of the last answer; null if there was none.",
    "WebhookDeliveryRead.error": "Why the last try failed; empty after success.",
}

CODES: dict[str, str] = {
    "topic_unknown": "The topic does not exist. Use those of `notifications/preferences`.",
    "topics_missing": "No topic was named. Name at least one.",
    "channel_unknown": "The channel does not exist. Use in_app, email or push.",
    "channel_required": "Security notices cannot be switched off on this channel.",
    "time_zone_unknown": "The time zone does not exist. Use a name such as America/New_York.",
    "webhook_not_found": "The webhook does not exist. Reload the list.",
    "webhook_url_refused": "The address cannot receive webhooks. Use a public https address.",
    "webhook_disabled": "The webhook is switched off. Switch it on first.",
    "too_many_webhooks": "There are too many webhooks. Delete one first.",
    "price_alert_not_found": "The price alert does not exist. Reload the list.",
    "alert_value_too_large": "A move is a percentage of at most 100. Lower it.",
    "asset_not_quoted": "Nobody quotes an asset of your own. Choose a listed one.",
    "push_subscription_invalid": "This is no subscription of a browser. Switch push on again.",
    "push_subscription_not_found": "The browser is not subscribed. Reload the list.",
    "too_many_push_subscriptions": "Too many browsers take pushes. Remove one first.",
    "too_many_price_alerts": "There are too many price alerts. Delete one first.",
}

REQUESTS: dict[str, Any] = {
    "notification_preferences_replace": {
        "topics": [{"topic": "drift", "channels": {"email": False, "push": True}}],
        "time_zone": "America/New_York",
        "quiet_hours": {"start": "22:00", "end": "07:00"},
        "digest": "daily",
    },
    "price_alerts_create": {"symbol": "AAPL", "kind": "above", "value": "200"},
    # the example of RFC 8291
    "push_subscriptions_create": {
        "endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        "keys": {
            "p256dh": (
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNto"
                "IAiw4"
            ),
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    },
    "webhooks_create": {"url": "https://example.com/ballast", "topics": ["drift", "price_alert"]},
    "webhooks_update": {"topics": ["drift"], "enabled": True},
}
