"""The form of an asset of a household's own."""

from django import forms

from core.limits import NAME_LENGTH_MAX, SYMBOL_LENGTH_MAX
from dashboard.forms.entries import CURRENCIES
from marketdata.models import AssetClass
from portfolios.holdings.tables import class_label


class OwnAssetForm(forms.Form):
    """An asset that no source knows; the operation decides whether its symbol is free."""

    symbol = forms.CharField(
        label="Symbol",
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    asset_class = forms.ChoiceField(
        label="Class", choices=[(name, class_label(name)) for name in AssetClass.values]
    )
    currency = forms.ChoiceField(label="Currency", choices=[(code, code) for code in CURRENCIES])

    def clean_symbol(self) -> str:
        return str(self.cleaned_data["symbol"]).upper()
