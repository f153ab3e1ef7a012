"""The forms of the security pages."""

from collections.abc import Sequence
from typing import Any

from django import forms

from core.limits import NAME_LENGTH_MAX

CODE_LENGTH_MAX = 24
PASSWORD_LENGTH_MAX = 200


def _password(label: str, autocomplete: str, *, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=PASSWORD_LENGTH_MAX,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _new_password() -> forms.CharField:
    return _password(
        "New password",
        "new-password",
        help_text="At least 10 characters; a short sentence is fine.",
    )


class CodeForm(forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=CODE_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class PasswordProofForm(forms.Form):
    password = _password("Your password", "current-password")


class NewPasswordForm(forms.Form):
    new_password = _new_password()


class PasswordChangeForm(forms.Form):
    current_password = _password("Current password", "current-password")
    new_password = _new_password()


class ResetRequestForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class EmailChangeForm(forms.Form):
    email = forms.EmailField(
        label="New e-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    current_password = _password("Current password", "current-password")


SCOPES = (
    ("read", "Read: accounts, holdings, figures"),
    ("record", "Record: transactions, imports, targets"),
    ("trade", "Trade: ask for rebalances, decide on trades"),
)


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Spreadsheet"}),
    )
    scopes = forms.MultipleChoiceField(
        label="It may", choices=SCOPES, widget=forms.CheckboxSelectMultiple, initial=["read"]
    )
    accounts = forms.MultipleChoiceField(
        label="Only these accounts",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a choice: every account you see, also future ones.",
    )
    expires_on = forms.DateField(
        label="Valid until",
        required=False,
        help_text="The key ends when this day begins, in UTC.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, accounts: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account_names = accounts
        self.fields["accounts"].choices = accounts  # type: ignore[attr-defined]


class AddressForm(forms.Form):
    """The address of somebody who is invited."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))


class AccountantForm(AddressForm):
    """An accountant, the tax years they may read, and the last day."""

    years = forms.CharField(
        label="Tax years",
        max_length=120,
        help_text="Such as 2025, or 2024, 2025.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    ends_on = forms.DateField(
        label="Last day of access", widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_years(self) -> list[int]:
        words = self.cleaned_data["years"].replace(",", " ").split()
        if not all(word.isascii() and word.isdecimal() and len(word) == 4 for word in words):
            raise forms.ValidationError("Write years of four digits.", code="years_invalid")
        return sorted({int(word) for word in words})


class AcceptForm(forms.Form):
    """A new account inside the household that invited its owner."""

    full_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = _password(
        "Password", "new-password", help_text="At least 10 characters; a short sentence is fine."
    )
