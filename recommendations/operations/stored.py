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


def replayed(*, recommendation: Recommendation) -> str:
    """Return the result computed again from the stored inputs, as canonical JSON."""
    if recommendation.kind == RecommendationKind.HARVEST:
        inputs = harvest_problem.inputs_from_json(text=recommendation.inputs)
        return harvest_result.result_json(result=harvest(inputs=inputs))
    return result_json(result=rebalance(inputs=inputs_from_json(text=recommendation.inputs)))


def decide(
    *, recommendation: Recommendation, status: str, user: User, now: datetime
) -> Recommendation:
    """Approve or reject a proposed recommendation, once."""
    changed = Recommendation.objects.filter(
        pk=recommendation.pk, status=RecommendationStatus.PROPOSED
    ).update(status=status, decided_at=now, decided_by_id=user.pk)
    recommendation.refresh_from_db()
    if not changed and recommendation.status != status:
        raise Conflict(
            f"The recommendation is already {recommendation.status}. A decision cannot be "
            "changed; request a new one.",
            code="already_decided",
        )
    return recommendation
