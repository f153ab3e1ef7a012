"""API of notices, preferences, price alerts and webhooks."""

from notifications.api import notices, preferences, price_alerts, webhooks

urlpatterns = [
    *notices.urlpatterns,
    *preferences.urlpatterns,
    *price_alerts.urlpatterns,
    *webhooks.urlpatterns,
]
