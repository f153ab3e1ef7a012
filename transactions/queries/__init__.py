"""Reads: accounts, transactions, lots and imports."""

from transactions.queries.ledger import (
    account,
    account_with_owner,
    accounts,
    default_currency,
    holdings,
    loss_sales_since,
    lots,
    lots_bought_since,
    open_lots,
    transaction_row,
    transactions,
)

__all__ = [
    "account",
    "account_with_owner",
    "accounts",
    "default_currency",
    "holdings",
    "loss_sales_since",
    "lots",
    "lots_bought_since",
    "open_lots",
    "transaction_row",
    "transactions",
]
