"""Reads: positions and their value, targets, restrictions."""

from portfolios.queries.holdings import (
    account_valuation,
    holdings_page,
    positions,
    summary,
)
from portfolios.queries.lots import lot_rows
from portfolios.queries.targets import restrictions, target_rows, targets

__all__ = [
    "account_valuation",
    "holdings_page",
    "lot_rows",
    "positions",
    "restrictions",
    "summary",
    "target_rows",
    "targets",
]
