"""Goals: a value wanted by a day, and whether the own past would get there."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError
from core.money import plain, quantize
from dashboard.forms.entries import add_refusal
from dashboard.forms.goals import GoalForm, WhatIfForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters.goals import HEIGHT, WIDTH, drawing, months_until, rows
from portfolios.goals.projection import MONTHS_AHEAD_MAX, Projection, project
from portfolios.models import Goal
from portfolios.operations.goals import add_goal, change_goal
from portfolios.queries.goals import Start, goal, goals, start, target_in

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Look:
    """A goal with its projection, or why there is none."""

    goal: Goal
    target: Decimal | None
    found: Projection | None
    why: str = ""


@for_investors("GET", "POST")
def goal_list(request: SignedIn) -> HttpResponse:
    """List the goals with their chance, with the form of a new one."""
    now, currency = timezone.now(), request.user.base_currency
    form = GoalForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            made = add_goal(user=request.user, stated=form.stated(currency=currency), now=now)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            return redirect("goal", made.public_id)
    elif form.is_bound:
        status = 400
    known = list(goals(user=request.user))
    begin, why = _start(request) if known else (None, "")
    looks = [_look(row, begin, why, {}) for row in known]
    context = {"looks": looks, "form": form, "currency": currency, "begin": begin}
    return shown(request, "goals", context, status=status)


@for_investors("GET", "POST")
def goal_page(request: SignedIn, goal_id: UUID) -> HttpResponse:
    """Show a goal with its band; the query says what if, a POST changes the goal."""
    row = goal(user=request.user, public_id=goal_id)
    form = GoalForm(
        request.POST if request.method == "POST" else None,
        initial={
            "name": row.name,
            "target": plain(row.target),
            "target_date": row.target_date,
            "contribution": plain(row.contribution),
        },
    )
    status = 200
    if form.is_bound and form.is_valid():
        try:
            stated = form.stated(currency=row.currency)
            change_goal(goal=row, stated=stated, now=timezone.now())
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, "The goal is saved.")
            return redirect("goal", goal_id)
    elif form.is_bound:
        status = 400
    what_if = WhatIfForm(request.GET or None, auto_id="if_%s")
    asked = what_if.cleaned_data if what_if.is_bound and what_if.is_valid() else {}
    begin, why = _start(request)
    look = _look(row, begin, why, asked)
    context: dict[str, Any] = {
        "goal": row,
        "look": look,
        "form": form,
        "what_if": what_if,
        "asking": bool(asked),
        "begin": begin,
        "width": WIDTH,
        "height": HEIGHT,
    }
    if look.found is not None and look.target is not None:
        context["drawing"] = drawing(look.found, look.target)
        context["rows"] = rows(look.found.bands, timezone.now().date())
        context["last"] = look.found.bands[-1]
    return shown(request, "goal", context, status=status)


@for_investors("POST")
def goal_delete(request: SignedIn, goal_id: UUID) -> HttpResponse:
    """Delete a goal."""
    goal(user=request.user, public_id=goal_id).delete()
    messages.success(request, "The goal is deleted.")
    return redirect("goals")


def _start(request: SignedIn) -> tuple[Start | None, str]:
    try:
        return start(user=request.user, now=timezone.now()), ""
    except BallastError as refusal:
        return None, refusal.detail


def _look(row: Goal, begin: Start | None, why: str, asked: dict[str, Any]) -> Look:
    """Return the projection of a goal with the figures that were asked for instead of its own."""
    if begin is None:
        return Look(row, None, None, why)
    now = timezone.now()
    day = asked.get("by") or row.target_date
    months = months_until(day, now.date())
    if not 1 <= months <= MONTHS_AHEAD_MAX:
        return Look(row, None, None, "The date must be from next month to 50 years ahead.")
    given = asked.get("contribution")
    try:
        target = target_in(begin.currency, row, now=now)
        rate = target / row.target
        paid = row.contribution if given is None else given
        found = project(
            value=begin.value,
            contribution=quantize(paid * rate, begin.currency),
            months=months,
            target=target,
            returns=begin.returns,
            currency=begin.currency,
            shift=(asked.get("shift") or Decimal(0)) / _HUNDRED,
        )
    except BallastError as refusal:
        return Look(row, None, None, refusal.detail)
    return Look(row, target, found)
