"""Writes: accounts, the ledger, imports, and the verification of the ledger."""

from transactions.operations.accounts import change_account, open_account
from transactions.operations.ledger import check, correct, record, reverse

__all__ = ["change_account", "check", "correct", "open_account", "record", "reverse"]
