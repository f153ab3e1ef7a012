"""The forms of the risk questionnaire and of a model of target weights."""

from decimal import Decimal
from typing import Any

from django import forms

from core.limits import SYMBOL_LENGTH_MAX
from recommendations.allocations.problem import (
    COST_BP_MAX,
    MODEL_CHOICES,
    SYMBOLS_MAX,
    YEARS_DEFAULT,
    YEARS_MAX,
    YEARS_MIN,
)
from recommendations.allocations.questionnaire import PROFILE_NAMES, QUESTIONS
from recommendations.operations.fit_requests import NO_PROFILE

_TYPED = {"autocomplete": "off", "inputmode": "decimal"}


class QuestionnaireForm(forms.Form):
    """A choice for each question."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in QUESTIONS:
            self.fields[question.id] = forms.ChoiceField(
                label=question.text,
                choices=[(one.id, one.text) for one in question.choices],
                widget=forms.RadioSelect,
                error_messages={"required": "Choose one of the answers."},
            )


class ModelForm(forms.Form):
    """What to fit. Empty fields keep the default."""

    model = forms.ChoiceField(label="Model", choices=MODEL_CHOICES, initial="risk_parity")
    risk_profile = forms.ChoiceField(
        label="Risk profile",
        choices=[*PROFILE_NAMES, (NO_PROFILE, "No limits")],
        help_text="Limits volatility and the share of equity.",
    )
    symbols = forms.CharField(
        label="Symbols",
        max_length=(SYMBOL_LENGTH_MAX + 2) * (SYMBOLS_MAX + 1),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=f"2 to {SYMBOLS_MAX} symbols, separated by spaces or commas.",
    )
    years = forms.IntegerField(
        label="Years of history",
        min_value=YEARS_MIN,
        max_value=YEARS_MAX,
        initial=YEARS_DEFAULT,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    weight_min = forms.DecimalField(
        label="Lowest weight",
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=7,
        decimal_places=4,
        initial="0",
        widget=forms.TextInput(attrs=_TYPED),
    )
    weight_max = forms.DecimalField(
        label="Highest weight",
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=7,
        decimal_places=4,
        initial="100",
        widget=forms.TextInput(attrs=_TYPED),
    )
    cost_bp = forms.DecimalField(
        label="Cost of trading, 1/100 %",
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(COST_BP_MAX),
        max_digits=7,
        decimal_places=4,
        widget=forms.TextInput(attrs=_TYPED),
        help_text="Beside half the spread of each asset.",
    )

    def clean_symbols(self) -> list[str]:
        """Return the symbols in capitals, as they were typed; the operation refuses wrong ones."""
        text = str(self.cleaned_data["symbols"]).upper().replace(",", " ").replace(";", " ")
        return text.split()[: SYMBOLS_MAX + 1]

    def asked(self) -> dict[str, Any]:
        """Return the fields of a valid form as `fit_request` takes them."""
        data = self.cleaned_data
        return {name: value for name, value in data.items() if value not in (None, "")}
