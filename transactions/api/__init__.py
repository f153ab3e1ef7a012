"""Accounts, transactions, imports, exports and reconciliations over HTTP."""

from transactions.api import exports, imports, ledger, policies, reconciliations

urlpatterns = [
    *ledger.urlpatterns,
    *imports.urlpatterns,
    *exports.urlpatterns,
    *reconciliations.urlpatterns,
    *policies.urlpatterns,
]
