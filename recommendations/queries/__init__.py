"""Reads: the inputs of the engines, and stored recommendations."""

from recommendations.queries.harvest_inputs import harvest_inputs
from recommendations.queries.inputs import rebalance_inputs
from recommendations.queries.stored import job_result, recommendation, recommendations, texts

__all__ = [
    "harvest_inputs",
    "job_result",
    "rebalance_inputs",
    "recommendation",
    "recommendations",
    "texts",
]
