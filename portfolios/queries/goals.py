"""Reads: the goals of a household, and what a projection starts from."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from core.errors import Conflict, NotFound
from core.money import converted
from identity.models import User
from portfolios.models import Goal
from portfolios.performance.answer import Answer
from portfolios.queries.performance import recent_household_performance
from portfolios.queries.performance_inputs import Period
from portfolios.queries.valuations import rates_into

MONTHS_OF_CONTRIBUTIONS = 12


@dataclass(frozen=True, slots=True)
class Start:
    """The value now, the own whole months oldest first, and what was paid in a month of late."""

    currency: str
    value: Decimal
    returns: tuple[Decimal, ...]
    paid_in_a_month: Decimal


def goals(*, user: User) -> "QuerySet[Goal]":
    """Return the goals of the user's own household, the nearest first."""
    return Goal.objects.filter(household_id=user.household_id).order_by("target_date", "id")


def goal(*, user: User, public_id: UUID) -> Goal:
    """Return a goal of the user's household; raise NotFound for any other."""
    found = goals(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("The goal does not exist. Reload the list.", code="goal_not_found")
    return found


def start(*, user: User, now: datetime) -> Start:
    """Return what projections of the household begin with, in the user's base currency."""
    found = recent_household_performance(user=user, period=Period(None), now=now)
    today = now.date()
    year_ago = today.replace(year=today.year - 1, day=1)
    lately = recent_household_performance(user=user, period=Period(year_ago), now=now)
    bridge = found.reconciliation
    if bridge is None:
        raise Conflict(
            "The value of the household is not known: a price or a rate is missing.",
            code="value_unknown",
        )
    paid = lately.reconciliation.net_transfers if lately.reconciliation else Decimal(0)
    return Start(
        currency=found.currency,
        value=bridge.final_value,
        returns=whole_months(found, today),
        paid_in_a_month=paid / MONTHS_OF_CONTRIBUTIONS,
    )


def whole_months(found: Answer, today: date) -> tuple[Decimal, ...]:
    """Return the returns of the whole months up to the one before `today`, oldest first."""
    return tuple(
        value
        for year in sorted(found.years, key=lambda one: one.year)
        for month, value in enumerate(year.months, start=1)
        if value is not None and (year.year, month) < (today.year, today.month)
    )


def target_in(currency: str, row: Goal, *, now: datetime) -> Decimal:
    """Return the goal's target in a currency, at today's rate."""
    target: Decimal = row.target
    if row.currency == currency:
        return target
    rate = rates_into(currency, {row.currency}, now=now).get(row.currency)
    if rate is None:
        raise Conflict(
            f"No exchange rate from {row.currency} to {currency} is known.", code="rate_missing"
        )
    return converted(target, rate.rate, currency)
