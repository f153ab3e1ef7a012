"""Models of recommendations, nights, replacements of a harvest, strategies and allocations."""

from recommendations.models.allocations import (
    AllocationModel,
    AllocationQuerySet,
    AssessmentQuerySet,
    RiskAssessment,
)
from recommendations.models.listings import StrategyListing, StrategyWord
from recommendations.models.nightly import (
    NightlyBlock,
    NightlyPrice,
    NightlyRate,
    NightlyResult,
    NightlyRun,
    NightState,
    Outcome,
)
from recommendations.models.notes import Note, NoteSubject
from recommendations.models.recommendations import (
    Recommendation,
    RecommendationKind,
    RecommendationQuerySet,
    RecommendationStatus,
)
from recommendations.models.replacements import Replacement, ReplacementSearch
from recommendations.models.strategies import (
    ReportReason,
    RiskProfile,
    Strategy,
    StrategyAuthor,
    StrategyFollow,
    StrategyReport,
    StrategyState,
    StrategyVersion,
)
from recommendations.models.strategy_records import (
    ModerationKind,
    StrategyBacktest,
    StrategyDay,
    StrategyModeration,
    StrategyRecord,
)

__all__ = [
    "AllocationModel",
    "AllocationQuerySet",
    "AssessmentQuerySet",
    "ModerationKind",
    "NightState",
    "NightlyBlock",
    "NightlyPrice",
    "NightlyRate",
    "NightlyResult",
    "NightlyRun",
    "Note",
    "NoteSubject",
    "Outcome",
    "Recommendation",
    "RecommendationKind",
    "RecommendationQuerySet",
    "RecommendationStatus",
    "Replacement",
    "ReplacementSearch",
    "ReportReason",
    "RiskAssessment",
    "RiskProfile",
    "Strategy",
    "StrategyAuthor",
    "StrategyBacktest",
    "StrategyDay",
    "StrategyFollow",
    "StrategyListing",
    "StrategyModeration",
    "StrategyRecord",
    "StrategyReport",
    "StrategyState",
    "StrategyVersion",
    "StrategyWord",
]
