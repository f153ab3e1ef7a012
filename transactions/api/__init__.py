"""Accounts, transactions, corporate actions, imports, exports and reconciliations over HTTP."""

from transactions.api import (
    accounts,
    corporate_actions,
    exports,
    imports,
    ledger,
    policies,
    reconciliations,
    statements,
)

urlpatterns = [
    *accounts.urlpatterns,
    *ledger.urlpatterns,
    *corporate_actions.urlpatterns,
    *imports.urlpatterns,
    *exports.urlpatterns,
    *reconciliations.urlpatterns,
    *statements.urlpatterns,
    *policies.urlpatterns,
]
