"""Replay stored recommendations, and decide on them."""

from datetime import datetime

from core.errors import Conflict
from identity.models import User
from recommendations.engine.problem import inputs_from_json
from recommendations.engine.rebalancing import rebalance, result_json
from recommendations.harvesting import problem as harvest_problem
from recommendations.harvesting import result as harvest_result
from recommendations.harvesting.plan import harvest
from recommendations.models import Recommendation, RecommendationKind, RecommendationStatus
from recommendations.queries.stored import night_texts, texts


def replayed(*, recommendation: Recommendation) -> str:
    """Return the result computed again from the stored inputs, as canonical JSON.

    The orders of a night are those it kept; they are priced and explained again.
    """
    night = night_texts(recommendation)
    if night is not None:
        return night.result
    text = texts(recommendation).inputs
    if recommendation.kind == RecommendationKind.HARVEST:
        return harvest_result.result_json(
            result=harvest(inputs=harvest_problem.inputs_from_json(text=text))
        )
    return result_json(result=rebalance(inputs=inputs_from_json(text=text)))


def decide(
    *, recommendation: Recommendation, status: str, user: User, now: datetime
) -> Recommendation:
    """Approve or reject a proposed recommendation, once."""
    kept = texts(recommendation)
    changed = Recommendation.objects.filter(
        pk=recommendation.pk, status=RecommendationStatus.PROPOSED
    ).update(
        status=status,
        decided_at=now,
        decided_by_id=user.pk,
        inputs=kept.inputs,
        result=kept.result,
    )
    recommendation.refresh_from_db()
    if not changed and recommendation.status != status:
        raise Conflict(
            f"The recommendation is already {recommendation.status}. A decision cannot be "
            "changed; request a new one.",
            code="already_decided",
        )
    return recommendation
