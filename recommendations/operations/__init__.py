"""Writes: rebalances, harvests, their replacements, and decisions on recommendations."""

from recommendations.operations.harvesting import (
    HARVEST,
    fail_harvest,
    request_harvest,
    run_harvest,
)
from recommendations.operations.rebalancing import (
    REBALANCE,
    fail_rebalance,
    request_rebalance,
    run_rebalance,
)
from recommendations.operations.replacements import find_replacements
from recommendations.operations.stored import decide, replayed

__all__ = [
    "HARVEST",
    "REBALANCE",
    "decide",
    "fail_harvest",
    "fail_rebalance",
    "find_replacements",
    "replayed",
    "request_harvest",
    "request_rebalance",
    "run_harvest",
    "run_rebalance",
]
