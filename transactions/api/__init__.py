"""Accounts, transactions, imports and exports over HTTP."""

from transactions.api import imports, ledger

urlpatterns = [*ledger.urlpatterns, *imports.urlpatterns]
