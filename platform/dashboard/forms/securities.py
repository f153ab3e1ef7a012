"""The forms of the page that finds securities at vendors."""

from django import forms

FOUND_TEXT_LENGTH_MAX = 64


class FindForm(forms.Form):
    """What to search for."""

    back = forms.CharField(required=False, widget=forms.HiddenInput)
    q = forms.CharField(
        label="Symbol, name or ISIN",
        max_length=FOUND_TEXT_LENGTH_MAX,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


class FollowForm(forms.Form):
    """The security that was chosen."""

    back = forms.CharField(required=False, widget=forms.HiddenInput)
    provider = forms.CharField(max_length=32, widget=forms.HiddenInput)
    provider_symbol = forms.CharField(max_length=FOUND_TEXT_LENGTH_MAX, widget=forms.HiddenInput)
    q = forms.CharField(max_length=FOUND_TEXT_LENGTH_MAX, required=False, widget=forms.HiddenInput)
