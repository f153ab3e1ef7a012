"""The form of the page of income: a range of days, and perhaps one account."""

from typing import Any

from django import forms

from dashboard.forms.entries import range_fields


class IncomeForm(forms.Form):
    """The query string of the page. The fields have the names of the API's query parameters."""

    account = forms.UUIDField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= range_fields()
