"""Writes: accounts, the ledger, imports, and the verification of the ledger."""

from transactions.operations.accounts import change_account, open_account
from transactions.operations.ledger import check, record, reverse

__all__ = ["change_account", "check", "open_account", "record", "reverse"]
