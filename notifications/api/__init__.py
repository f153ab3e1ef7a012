"""API of notices, one's own data, preferences, price alerts, pushes and webhooks."""

from notifications.api import notices, own_data, preferences, price_alerts, push, webhooks

urlpatterns = [
    *notices.urlpatterns,
    *own_data.urlpatterns,
    *preferences.urlpatterns,
    *price_alerts.urlpatterns,
    *push.urlpatterns,
    *webhooks.urlpatterns,
]
