"""Forms of goals: the goal itself, and what if."""

from decimal import Decimal
from typing import Any

from django import forms

from core import limits
from core.limits import NAME_LENGTH_MAX
from dashboard.forms.entries import decimal_field, not_negative, positive
from portfolios.operations.goals import StatedGoal

SHIFT_MAX = Decimal(20)


def _money(label: str, *, required: bool, least: Any) -> forms.DecimalField:
    return decimal_field(
        label,
        most=limits.MONEY_MAX,
        decimals=limits.MONEY_DECIMALS,
        least=least,
        required=required,
    )


class GoalForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"placeholder": "Retirement", "autocomplete": "off"}),
    )
    target = _money("Value wanted", required=True, least=positive)
    target_date = forms.DateField(label="By", widget=forms.DateInput(attrs={"type": "date"}))
    contribution = _money("Paid in every month", required=False, least=not_negative)

    def stated(self, *, currency: str) -> StatedGoal:
        data = self.cleaned_data
        return StatedGoal(
            name=data["name"],
            target=data["target"],
            currency=currency,
            target_date=data["target_date"],
            contribution=data["contribution"] or Decimal(0),
        )


class WhatIfForm(forms.Form):
    """Other figures than those of the goal, for one look."""

    contribution = _money("Paid in every month", required=False, least=not_negative)
    shift = forms.DecimalField(
        label="Return a year, more or less",
        required=False,
        min_value=-SHIFT_MAX,
        max_value=SHIFT_MAX,
        max_digits=6,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    by = forms.DateField(label="By", required=False, widget=forms.DateInput(attrs={"type": "date"}))
