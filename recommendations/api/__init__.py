"""Rebalances, harvests, recommendations and their orders over HTTP."""

from recommendations.api import harvesting, notes, orders, rebalancing, stored

urlpatterns = [
    *rebalancing.urlpatterns,
    *harvesting.urlpatterns,
    *stored.urlpatterns,
    *orders.urlpatterns,
    *notes.urlpatterns,
]
