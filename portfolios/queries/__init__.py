"""Reads: positions and their value, targets, restrictions."""

from portfolios.queries.holdings import holdings_page
from portfolios.queries.households import worth
from portfolios.queries.lots import lot_values
from portfolios.queries.policies import policies, policy
from portfolios.queries.positions import positions
from portfolios.queries.target_sets import current_weights, target_history, weights_for
from portfolios.queries.targets import (
    followed_targets,
    restrictions,
    target_weight,
    target_weights,
    targets,
)
from portfolios.queries.valuations import (
    AccountValue,
    account_value,
    rates_into,
    unit_values,
    valuations,
)

__all__ = [
    "AccountValue",
    "account_value",
    "current_weights",
    "followed_targets",
    "holdings_page",
    "lot_values",
    "policies",
    "policy",
    "positions",
    "rates_into",
    "restrictions",
    "target_history",
    "target_weight",
    "target_weights",
    "targets",
    "unit_values",
    "valuations",
    "weights_for",
    "worth",
]
