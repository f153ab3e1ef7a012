"""Writes: what a portfolio should be, and how its owners file their taxes."""

from portfolios.operations.targets import Rule, TargetWeight, set_restrictions, set_targets
from portfolios.operations.taxes import StatedCarryforward, set_taxes

__all__ = [
    "Rule",
    "StatedCarryforward",
    "TargetWeight",
    "set_restrictions",
    "set_targets",
    "set_taxes",
]
