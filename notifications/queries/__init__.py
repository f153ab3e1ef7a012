"""Reading notices, webhooks, preferences, and who is told."""

from notifications.queries.mails import caught_mail, caught_mails
from notifications.queries.notices import notice, notices, unread_count
from notifications.queries.people import people_told, preference_of, wishes_of
from notifications.queries.price_alerts import price_alert, price_alerts
from notifications.queries.push import push_subscription, push_subscriptions
from notifications.queries.webhooks import webhook, webhook_deliveries, webhooks

__all__ = [
    "caught_mail",
    "caught_mails",
    "notice",
    "notices",
    "people_told",
    "preference_of",
    "price_alert",
    "price_alerts",
    "push_subscription",
    "push_subscriptions",
    "unread_count",
    "webhook",
    "webhook_deliveries",
    "webhooks",
    "wishes_of",
]
