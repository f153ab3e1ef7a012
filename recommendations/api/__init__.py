"""Rebalances, harvests, recommendations, orders, allocations and strategies over HTTP."""

from recommendations.api import (
    allocations,
    harvesting,
    notes,
    orders,
    rebalancing,
    stored,
    strategies,
    strategy_accounts,
    strategy_records,
    strategy_search,
)

urlpatterns = [
    *rebalancing.urlpatterns,
    *harvesting.urlpatterns,
    *stored.urlpatterns,
    *orders.urlpatterns,
    *notes.urlpatterns,
    *allocations.urlpatterns,
    *strategies.urlpatterns,
    *strategy_accounts.urlpatterns,
    *strategy_records.urlpatterns,
    *strategy_search.urlpatterns,
]
