"""Writes: accounts, the ledger, and the check that it holds."""

from transactions.operations.accounts import change_account, open_account
from transactions.operations.ledger import record, reverse

__all__ = ["change_account", "open_account", "record", "reverse"]
