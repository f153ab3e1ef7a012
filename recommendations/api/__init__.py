"""Rebalances and recommendations over HTTP."""

from recommendations.api import rebalancing, stored

urlpatterns = [*rebalancing.urlpatterns, *stored.urlpatterns]
