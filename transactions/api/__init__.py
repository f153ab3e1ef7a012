"""Accounts, transactions, imports and exports over HTTP."""

from transactions.api import exports, imports, ledger

urlpatterns = [*ledger.urlpatterns, *imports.urlpatterns, *exports.urlpatterns]
