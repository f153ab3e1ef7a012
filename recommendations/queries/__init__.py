"""Reads: the inputs of the engines, and stored recommendations."""

from recommendations.queries.allocations import (
    allocation,
    allocation_result,
    allocations,
    assessments,
    latest_assessment,
)
from recommendations.queries.drift_curve import DriftCurve, account_drift_curve
from recommendations.queries.harvest_inputs import harvest_inputs
from recommendations.queries.inputs import rebalance_inputs
from recommendations.queries.netted_tax import netted_tax
from recommendations.queries.notes import note, note_subject, notes, subjects_of
from recommendations.queries.stored import (
    job_result,
    progress,
    recommendation,
    recommendations,
    texts,
    trades_of,
)

__all__ = [
    "DriftCurve",
    "account_drift_curve",
    "allocation",
    "allocation_result",
    "allocations",
    "assessments",
    "harvest_inputs",
    "job_result",
    "latest_assessment",
    "progress",
    "netted_tax",
    "note",
    "note_subject",
    "notes",
    "subjects_of",
    "rebalance_inputs",
    "recommendation",
    "recommendations",
    "texts",
    "trades_of",
]
