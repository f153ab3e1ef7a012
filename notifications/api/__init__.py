"""API of notices, preferences, price alerts, pushes and webhooks."""

from notifications.api import notices, preferences, price_alerts, push, webhooks

urlpatterns = [
    *notices.urlpatterns,
    *preferences.urlpatterns,
    *price_alerts.urlpatterns,
    *push.urlpatterns,
    *webhooks.urlpatterns,
]
