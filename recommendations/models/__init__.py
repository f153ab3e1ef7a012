"""Models of recommendations, and of the replacements that a harvest may buy."""

from recommendations.models.recommendations import (
    Recommendation,
    RecommendationKind,
    RecommendationQuerySet,
    RecommendationStatus,
)
from recommendations.models.replacements import Replacement, ReplacementSearch

__all__ = [
    "Recommendation",
    "RecommendationKind",
    "RecommendationQuerySet",
    "RecommendationStatus",
    "Replacement",
    "ReplacementSearch",
]
