"""Writes: what a portfolio should be."""

from portfolios.operations.targets import Rule, TargetWeight, set_restrictions, set_targets

__all__ = ["Rule", "TargetWeight", "set_restrictions", "set_targets"]
