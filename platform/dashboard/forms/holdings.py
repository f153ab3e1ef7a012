"""What the page of all holdings is asked for: filters, order, groups, scope."""

from typing import Any

from django import forms

from core.limits import NAME_LENGTH_MAX
from marketdata.models import AssetClass
from portfolios.holdings.tables import COLUMNS, GROUPINGS, Filters, class_label

_SORTS = [(f"{sign}{name}", column.label) for name, column in COLUMNS.items() for sign in ("", "-")]


class HoldingsForm(forms.Form):
    """The query string of the page. Every field may be absent."""

    q = forms.CharField(label="Symbol or name", required=False, max_length=NAME_LENGTH_MAX)
    account = forms.UUIDField(label="Account", required=False)
    asset_class = forms.ChoiceField(
        label="Class",
        required=False,
        choices=[("", "All classes"), *((name, class_label(name)) for name in AssetClass.values)],
    )
    currency = forms.RegexField(label="Currency", required=False, regex=r"^[A-Z]{3}$")
    losses = forms.BooleanField(label="Losses only", required=False)
    group = forms.ChoiceField(
        label="Group by",
        required=False,
        choices=[("", "No groups"), *((name, one.label) for name, one in GROUPINGS.items())],
    )
    sort = forms.ChoiceField(required=False, choices=[("", ""), *_SORTS])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.attrs.update(autocomplete="off", type="search")

    @property
    def filters(self) -> Filters:
        data = self.cleaned_data
        return Filters(
            text=data["q"],
            asset_class=data["asset_class"],
            currency=data["currency"],
            losses_only=data["losses"],
        )
