"""Reads: strategies. Who may see which one is said here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from core.errors import NotFound
from identity.models import User
from portfolios.holdings.target_sets import unpacked
from recommendations.models import Strategy, StrategyFollow, StrategyState, StrategyVersion
from recommendations.strategies.diff import WeightChange, weight_changes

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


@dataclass(frozen=True, slots=True)
class StrategySeen:
    """A strategy as one user sees it."""

    strategy: Strategy
    own: bool
    following: bool


@dataclass(frozen=True, slots=True)
class VersionWithChanges:
    """A version, and how its weights differ from those before; the first one's from none."""

    version: StrategyVersion
    changes: tuple[WeightChange, ...]


def visible_strategy(*, user: User, public_id: UUID) -> Strategy:
    """Return a strategy that the user may open; raise NotFound otherwise."""
    return _one(visible(user), public_id)


def own_strategy(*, user: User, public_id: UUID) -> Strategy:
    """Return a strategy that the user wrote; raise NotFound otherwise."""
    return _one(own(user), public_id)


def strategy_seen(*, user: User, public_id: UUID) -> StrategySeen:
    """Return a strategy that the user may open, and what it is to them."""
    row = visible_strategy(user=user, public_id=public_id)
    following = StrategyFollow.objects.filter(strategy=row, household_id=user.household_id)
    return StrategySeen(row, own=row.author_id == user.pk, following=following.exists())


def followed_or_visible(*, user: User, public_id: UUID) -> Strategy:
    """Return a strategy to stop following: also one that was hidden since."""
    followed = StrategyFollow.objects.filter(household_id=user.household_id).values("strategy_id")
    return _one(Strategy.objects.filter(_OPENED | Q(author=user) | Q(pk__in=followed)), public_id)


def followed(*, user: User) -> "QuerySet[Strategy]":
    """Return what the user's household follows and may still open, newest follow first."""
    rows = visible(user).filter(follows__household_id=user.household_id)
    return rows.select_related("current_version").order_by("-follows__since", "-id")


def versions(*, strategy: Strategy) -> "QuerySet[StrategyVersion]":
    """Return the versions of a strategy, newest first."""
    rows = StrategyVersion.objects.filter(strategy=strategy).select_related("targets")
    return rows.order_by("-number")


def with_changes(page: Sequence[StrategyVersion]) -> list[VersionWithChanges]:
    """Return versions that follow each other, newest first, with what each changed."""
    if not page:
        return []
    oldest = page[-1]
    before = StrategyVersion.objects.filter(
        strategy_id=oldest.strategy_id, number=oldest.number - 1
    )
    rows = [*page, *before.select_related("targets")]
    weights = {row.number: unpacked(row.targets.weights) for row in rows}
    return [
        VersionWithChanges(
            row, weight_changes(weights.get(row.number - 1, ()), weights[row.number])
        )
        for row in page
    ]


def _one(rows: "QuerySet[Strategy]", public_id: UUID) -> Strategy:
    wanted = rows.select_related("author", "target_set", "current_version__targets")
    row = wanted.filter(public_id=public_id).first()
    if row is None:
        raise NotFound(
            "There is no strategy with this id, or you may not see it.", code="strategy_not_found"
        )
    return row
