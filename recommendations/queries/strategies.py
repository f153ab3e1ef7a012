"""Reads: strategies. Who may see which one is said here and nowhere else."""

from uuid import UUID

from django.db.models import Q, QuerySet

from core.errors import NotFound
from identity.models import User
from recommendations.models import Strategy, StrategyState

# What lists, searches, suggestions and counts may show. The partial indexes have this condition.
LISTED = Q(state=StrategyState.PUBLISHED, hidden_at=None)
# What everybody may open who knows its address: drafts and hidden ones are their author's alone.
_OPENED = Q(
    state__in=[StrategyState.PUBLISHED, StrategyState.UNLISTED, StrategyState.RETIRED],
    published_at__isnull=False,
    hidden_at=None,
)


def listed() -> "QuerySet[Strategy]":
    """Return the strategies that lists, searches and counts may show: the same to everybody."""
    return Strategy.objects.filter(LISTED)


def visible(user: User) -> "QuerySet[Strategy]":
    """Return the strategies that a user may open, follow and take over by their address."""
    return Strategy.objects.filter(_OPENED | Q(author=user))


def own(user: User) -> "QuerySet[Strategy]":
    """Return the strategies that a user wrote, in whatever state."""
    return Strategy.objects.filter(author=user)


def visible_strategy(*, user: User, public_id: UUID) -> Strategy:
    """Return a strategy that the user may open, with its version; raise NotFound otherwise."""
    found = visible(user).select_related("current_version__targets").filter(public_id=public_id)
    row = found.first()
    if row is None:
        raise NotFound("There is no strategy with this id, or you may not see it.")
    return row
