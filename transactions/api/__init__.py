"""Accounts, transactions, imports and exports over HTTP."""

from transactions.api import ledger

urlpatterns = [*ledger.urlpatterns]
