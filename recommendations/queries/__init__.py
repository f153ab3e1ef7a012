"""Reads: the inputs of the engines, and stored recommendations."""

from recommendations.queries.harvest_inputs import harvest_inputs
from recommendations.queries.inputs import rebalance_inputs
from recommendations.queries.stored import (
    job_result,
    progress,
    recommendation,
    recommendations,
    texts,
    trades_of,
)

__all__ = [
    "harvest_inputs",
    "job_result",
    "progress",
    "rebalance_inputs",
    "recommendation",
    "recommendations",
    "texts",
    "trades_of",
]
