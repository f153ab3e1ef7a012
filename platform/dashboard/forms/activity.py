"""The filters of the list of all transactions."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms

from dashboard.forms.entries import range_fields
from transactions.ledger.kinds import CHOICES


class ActivityForm(forms.Form):
    """What the list shows. The fields have the names of the API's query parameters."""

    q = forms.CharField(
        label="Text",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Note, symbol or name"}),
    )
    account = forms.ChoiceField(label="Account", required=False)
    type = forms.ChoiceField(label="Type", required=False, choices=[("", "All types"), *CHOICES])
    symbol = forms.CharField(
        label="Symbol", required=False, max_length=32, widget=forms.TextInput(attrs={"size": 8})
    )
    reversed = forms.BooleanField(label="With reversed", required=False)

    def __init__(self, *args: Any, accounts: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        assert isinstance(account, forms.ChoiceField), "declared above"
        account.choices = [("", "All accounts"), *accounts]
        self.fields |= range_fields()
        self.order_fields(["q", "account", "type", "symbol", "from", "to", "reversed"])

    def stated(self) -> dict[str, str]:
        """Return the filters as text, as the API takes them."""
        return {
            name: value.isoformat() if isinstance(value, date) else str(value or "")
            for name, value in self.cleaned_data.items()
        }

    def as_query(self) -> dict[str, str]:
        """Return the filters that are set, as query parameters."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.stated().items() if value}

    @property
    def is_filtering(self) -> bool:
        return bool(self.as_query()) or not self.is_valid()
