"""Goals of a household: added, changed and deleted."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.limits import GOAL_YEARS_MAX, GOALS_PER_HOUSEHOLD_MAX
from identity.models import User
from identity.operations.households import own_household
from portfolios.models import Goal


@dataclass(frozen=True, slots=True)
class StatedGoal:
    """What a person says of a goal; money in `currency`, the contribution per month."""

    name: str
    target: Decimal
    currency: str
    target_date: date
    contribution: Decimal


def add_goal(*, user: User, stated: StatedGoal, now: datetime) -> Goal:
    """Add a goal to the user's household."""
    _ensure_date(stated.target_date, now.date())
    with transaction.atomic():
        household = own_household(user=user)
        if Goal.objects.filter(household=household).count() >= GOALS_PER_HOUSEHOLD_MAX:
            raise Conflict(
                f"The household has the most goals, {GOALS_PER_HOUSEHOLD_MAX}. Delete one first.",
                code="too_many_goals",
            )
        return Goal.objects.create(
            household=household,
            name=stated.name,
            target=stated.target,
            currency=stated.currency,
            target_date=stated.target_date,
            contribution=stated.contribution,
            created_at=now,
        )


def change_goal(*, goal: Goal, stated: StatedGoal, now: datetime) -> Goal:
    """Write what is stated of a goal."""
    _ensure_date(stated.target_date, now.date())
    goal.name, goal.target, goal.currency = stated.name, stated.target, stated.currency
    goal.target_date, goal.contribution = stated.target_date, stated.contribution
    goal.save(update_fields=["name", "target", "currency", "target_date", "contribution"])
    return goal


def _ensure_date(day: date, today: date) -> None:
    months = (day.year - today.year) * 12 + day.month - today.month
    if not 1 <= months <= 12 * GOAL_YEARS_MAX:
        raise InvalidInput(
            f"The date must be from next month to {GOAL_YEARS_MAX} years ahead.",
            code="goal_date_invalid",
            fields={"target_date": [f"must be 1 month to {GOAL_YEARS_MAX} years ahead"]},
        )
