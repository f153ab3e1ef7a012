"""Writes: the targets and restrictions of an account, and its owners' tax settings."""

from portfolios.holdings.targets import TargetWeight
from portfolios.operations.policies import set_policy
from portfolios.operations.target_sets import follow_version
from portfolios.operations.targets import Rule, set_restrictions, set_targets
from portfolios.operations.taxes import set_taxes
from portfolios.tax.filing import StatedCarryforward

__all__ = [
    "Rule",
    "StatedCarryforward",
    "TargetWeight",
    "follow_version",
    "set_policy",
    "set_restrictions",
    "set_targets",
    "set_taxes",
]
