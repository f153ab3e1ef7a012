"""The form of the performance pages: a period and a benchmark."""

from typing import Any

from django import forms

from core.limits import SYMBOL_LENGTH_MAX
from dashboard.forms.entries import range_fields
from dashboard.presenters.performance import RANGES


class PerformanceForm(forms.Form):
    """A period and a benchmark. The fields have the names of the API's query parameters."""

    range = forms.ChoiceField(
        choices=[*((name, label) for name, _, label in RANGES), ("custom", "From and to")],
        required=False,
    )
    benchmark = forms.CharField(
        label="Benchmark",
        required=False,
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "a symbol"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= range_fields()

    def clean_benchmark(self) -> str:
        return str(self.cleaned_data["benchmark"]).upper()
