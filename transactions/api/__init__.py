"""Accounts, transactions, imports, exports and reconciliations over HTTP."""

from transactions.api import accounts, exports, imports, ledger, policies, reconciliations

urlpatterns = [
    *accounts.urlpatterns,
    *ledger.urlpatterns,
    *imports.urlpatterns,
    *exports.urlpatterns,
    *reconciliations.urlpatterns,
    *policies.urlpatterns,
]
