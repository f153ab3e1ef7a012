"""Reads: accounts, transactions, lots and imports."""

from transactions.queries.ledger import (
    account,
    account_with_owner,
    accounts,
    accounts_seen,
    holdings,
    household_account,
    lots,
    transaction_row,
    transactions,
)
from transactions.queries.wash_windows import open_pieces, wash_windows

__all__ = [
    "account",
    "account_with_owner",
    "accounts_seen",
    "accounts",
    "holdings",
    "household_account",
    "lots",
    "open_pieces",
    "transaction_row",
    "transactions",
    "wash_windows",
]
