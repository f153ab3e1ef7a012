"""Forms of the first steps."""

from django import forms

from core.limits import NAME_LENGTH_MAX
from dashboard.forms.entries import CURRENCIES
from transactions.ledger.account_kinds import grouped_kinds

UNITED_STATES, ELSEWHERE = "us", "elsewhere"


class AboutForm(forms.Form):
    """Where a person counts and pays tax."""

    base_currency = forms.ChoiceField(
        label="Show totals in", choices=[(code, code) for code in CURRENCIES]
    )
    taxed_in = forms.ChoiceField(
        label="Where do you pay income tax?",
        choices=[(UNITED_STATES, "United States"), (ELSEWHERE, "Elsewhere")],
        help_text="Ballast computes United States tax. Elsewhere, wash sales are not looked for, "
        "and no tax is weighed until you enter rates of your own in the settings.",
    )


class FirstAccountForm(forms.Form):
    """What the account of a first file is."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    type = forms.ChoiceField(label="Type", choices=grouped_kinds())
    currency = forms.ChoiceField(label="Currency", choices=[(code, code) for code in CURRENCIES])

    def __init__(self, *args: object, currency: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if currency not in CURRENCIES:
            field = self.fields["currency"]
            assert isinstance(field, forms.ChoiceField), "declared above"
            field.choices = [(currency, currency), *((code, code) for code in CURRENCIES)]
