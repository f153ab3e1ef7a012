"""Market data over HTTP: assets, prices, history, identity, exchange rates."""

from marketdata.api import assets, exchange_rates, history, identity, vendors

urlpatterns = [
    *assets.urlpatterns,
    *identity.urlpatterns,
    *history.urlpatterns,
    *exchange_rates.urlpatterns,
    *vendors.urlpatterns,
]
