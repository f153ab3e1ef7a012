"""Portfolios over HTTP: what they hold, what they should hold, what was gained, what is taxed."""

from portfolios.api import (
    dividends_due,
    gains,
    holdings,
    households,
    income,
    lineage,
    performance,
    policies,
    price_files,
    prices,
    sale_previews,
    target_history,
    tax_files,
    tax_returns,
    tax_settings,
)

urlpatterns = [
    *holdings.urlpatterns,
    *target_history.urlpatterns,
    *policies.urlpatterns,
    *households.urlpatterns,
    *income.urlpatterns,
    *gains.urlpatterns,
    *tax_settings.urlpatterns,
    *tax_returns.urlpatterns,
    *tax_files.urlpatterns,
    *sale_previews.urlpatterns,
    *lineage.urlpatterns,
    *performance.urlpatterns,
    *prices.urlpatterns,
    *price_files.urlpatterns,
    *dividends_due.urlpatterns,
]
