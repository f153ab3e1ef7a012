"""Rebalances, harvests and recommendations over HTTP."""

from recommendations.api import harvesting, rebalancing, stored

urlpatterns = [
    *rebalancing.urlpatterns,
    *harvesting.urlpatterns,
    *stored.urlpatterns,
]
