"""Writes: rebalances, and decisions on recommendations."""

from recommendations.operations.rebalancing import (
    REBALANCE,
    fail_rebalance,
    request_rebalance,
    run_rebalance,
)
from recommendations.operations.stored import decide, replayed

__all__ = [
    "REBALANCE",
    "decide",
    "fail_rebalance",
    "replayed",
    "request_rebalance",
    "run_rebalance",
]
