"""Accounts, transactions, orders, actions, imports, exports and reconciliations over HTTP."""

from transactions.api import (
    accounts,
    corporate_actions,
    exports,
    imports,
    ledger,
    orders,
    policies,
    reconciliations,
    statements,
)

urlpatterns = [
    *accounts.urlpatterns,
    *ledger.urlpatterns,
    *orders.urlpatterns,
    *corporate_actions.urlpatterns,
    *imports.urlpatterns,
    *exports.urlpatterns,
    *reconciliations.urlpatterns,
    *statements.urlpatterns,
    *policies.urlpatterns,
]
