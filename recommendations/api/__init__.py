"""Rebalances, harvests, recommendations, their orders, and allocations over HTTP."""

from recommendations.api import allocations, harvesting, notes, orders, rebalancing, stored

urlpatterns = [
    *rebalancing.urlpatterns,
    *harvesting.urlpatterns,
    *stored.urlpatterns,
    *orders.urlpatterns,
    *notes.urlpatterns,
    *allocations.urlpatterns,
]
