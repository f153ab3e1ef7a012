"""Reads: the inputs of the engine, and stored recommendations."""

from recommendations.queries.inputs import rebalance_inputs
from recommendations.queries.stored import job_result, recommendation, recommendations

__all__ = ["job_result", "rebalance_inputs", "recommendation", "recommendations"]
