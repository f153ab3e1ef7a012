"""Portfolios over HTTP: what they hold, what they should hold, what was gained, what is taxed."""

from portfolios.api import gains, holdings, households, lineage, performance, sale_previews, taxes

urlpatterns = [
    *holdings.urlpatterns,
    *households.urlpatterns,
    *gains.urlpatterns,
    *taxes.urlpatterns,
    *sale_previews.urlpatterns,
    *lineage.urlpatterns,
    *performance.urlpatterns,
]
