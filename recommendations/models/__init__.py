"""Models of recommendations, of the nightly runs, and of the replacements a harvest may buy."""

from recommendations.models.nightly import (
    NightlyBlock,
    NightlyPrice,
    NightlyRate,
    NightlyResult,
    NightlyRun,
    NightState,
    Outcome,
)
from recommendations.models.recommendations import (
    Recommendation,
    RecommendationKind,
    RecommendationQuerySet,
    RecommendationStatus,
)
from recommendations.models.replacements import Replacement, ReplacementSearch

__all__ = [
    "NightState",
    "NightlyBlock",
    "NightlyPrice",
    "NightlyRate",
    "NightlyResult",
    "NightlyRun",
    "Outcome",
    "Recommendation",
    "RecommendationKind",
    "RecommendationQuerySet",
    "RecommendationStatus",
    "Replacement",
    "ReplacementSearch",
]
