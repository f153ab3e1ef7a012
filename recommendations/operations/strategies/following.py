"""Follow strategies: a household counts once, and an author's own household not at all."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from core.errors import Conflict
from identity.models import User
from recommendations.models import Strategy, StrategyFollow


def follow(*, strategy: Strategy, user: User, now: datetime) -> Strategy:
    """Follow for the user's household. To follow twice is to follow once."""
    if strategy.author.household_id == user.household_id:
        raise Conflict(
            "This strategy is of your own household, which does not count as a follower.",
            code="own_strategy",
        )
    follow_for(strategy=strategy, household_id=user.household_id, user=user, now=now)
    strategy.refresh_from_db(fields=["followers"])
    return strategy


def follow_for(*, strategy: Strategy, household_id: int, user: User, now: datetime) -> None:
    """Let a household follow, and count it if it did not before."""
    with transaction.atomic():
        _, made = StrategyFollow.objects.get_or_create(
            strategy=strategy, household_id=household_id, defaults={"user": user, "since": now}
        )
        if made:
            _count(strategy, 1)


def unfollow(*, strategy: Strategy, user: User) -> None:
    """Follow no longer. The targets of the household's accounts stay as they are."""
    with transaction.atomic():
        rows = StrategyFollow.objects.filter(strategy=strategy, household_id=user.household_id)
        if rows.delete()[0]:
            _count(strategy, -1)


def _count(strategy: Strategy, change: int) -> None:
    Strategy.objects.filter(pk=strategy.pk).update(followers=F("followers") + change)
