"""The form of a rebalance's rules: how close to the targets, and what it must not do."""

from decimal import Decimal
from typing import Any

from django import forms

from core.money import plain
from dashboard.forms.taxes import amount_field
from portfolios.holdings.policies import (
    CASH_POLICIES,
    FULL,
    HOLDING_DAYS_MAX,
    INVEST_ONLY,
    SYMBOLS_LEFT_OUT_MAX,
    Policy,
)
from recommendations.engine.options import ESTIMATED_PRICES, HOLD, Options, under

POLICIES = [(FULL, "Buy and sell"), (INVEST_ONLY, "Invest cash, sell nothing")]
assert {name for name, _ in POLICIES} == set(CASH_POLICIES)


class RebalanceForm(forms.Form):
    """Empty fields keep the default; a drift limit comes from the handle or a row of the table."""

    cash_policy = forms.ChoiceField(label="Sales", choices=POLICIES, required=False)
    cash_floor = amount_field("Raise or keep cash")
    minimum_holding_days = forms.IntegerField(
        label="Minimum holding period, days",
        required=False,
        min_value=0,
        max_value=HOLDING_DAYS_MAX,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    gain_budget = amount_field("Gain to realize this year, at most")
    turnover_budget = amount_field("Turnover this year, at most")
    leave_out = forms.MultipleChoiceField(required=False, choices=[])
    drift_limit = forms.DecimalField(
        required=False, min_value=Decimal(0), max_value=Decimal(1), max_digits=7, decimal_places=6
    )
    estimated_prices = forms.ChoiceField(
        required=False, choices=[(name, name) for name in ESTIMATED_PRICES]
    )

    def __init__(self, *args: Any, symbols: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["leave_out"].choices = [  # type: ignore[attr-defined]
            (symbol, symbol) for symbol in symbols
        ]

    def policy(self) -> Policy:
        """Return the rules of a valid form."""
        data = self.cleaned_data
        return Policy(
            cash_policy=data["cash_policy"] or FULL,
            cash_floor=data["cash_floor"] or Decimal(0),
            minimum_holding_days=data["minimum_holding_days"] or 0,
            gain_budget=data["gain_budget"],
            turnover_budget=data["turnover_budget"],
            leave_out=tuple(sorted(data["leave_out"]))[:SYMBOLS_LEFT_OUT_MAX],
        )

    def options(self) -> Options:
        """Return the options of a valid form."""
        data = self.cleaned_data
        prices = data["estimated_prices"] or HOLD
        return under(
            self.policy(), {"drift_limit": data["drift_limit"], "estimated_prices": prices}
        )


def initial(policy: Policy) -> dict[str, Any]:
    """Return the fields of stored rules as they are typed."""
    money = {
        "cash_floor": policy.cash_floor or None,
        "gain_budget": policy.gain_budget,
        "turnover_budget": policy.turnover_budget,
    }
    return {
        "cash_policy": policy.cash_policy,
        "minimum_holding_days": policy.minimum_holding_days or None,
        "leave_out": list(policy.leave_out),
        **{name: None if one is None else plain(one) for name, one in money.items()},
    }
