"""Forms of the pages. They check the format; the operations decide what is allowed."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.password_validation import validate_password

from core import limits
from core.errors import BallastError, InvalidInput
from core.limits import NAME_LENGTH_MAX, NOTE_LENGTH_MAX, SYMBOL_LENGTH_MAX
from identity.models import User
from transactions.ledger.account_kinds import grouped_kinds
from transactions.ledger.entries import Entry, Ratio, ratio_of
from transactions.ledger.kinds import KINDS, grouped
from transactions.models import LotMethod
from transactions.operations.warnings import Warned

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "NOK", "DKK", "PHP", "INR")
# The fields of the form that all state the amount, as each kind calls it.
_AMOUNTS = ("amount", "cost", "cash")
_HUNDRED = Decimal(100)


def positive(value: Decimal) -> None:
    if value <= 0:
        raise forms.ValidationError("Must be more than 0.", code="not_positive")


def not_negative(value: Decimal) -> None:
    if value < 0:
        raise forms.ValidationError("Must not be negative.", code="negative")


def decimal_field(
    label: str,
    *,
    most: Decimal,
    decimals: int,
    least: Callable[[Decimal], None],
    required: bool = False,
) -> forms.DecimalField:
    """Return a field of a decimal between two bounds, written as text."""

    def at_most(value: Decimal) -> None:
        if value > most:
            raise forms.ValidationError(f"Must be at most {most:,f}.", code="too_large")

    return forms.DecimalField(
        label=label,
        required=required,
        max_digits=40,
        decimal_places=decimals,
        validators=[least, at_most],
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


def range_fields() -> dict[str, forms.Field]:
    """Return the optional first and last day of a range.

    They are named as in the API. A class cannot declare a field named `from`, so forms add them.
    """
    return {
        name: forms.DateField(
            label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
        )
        for name, label in (("from", "From"), ("to", "To"))
    }


def _money(label: str, *, least: Callable[[Decimal], None]) -> forms.DecimalField:
    return decimal_field(label, most=limits.MONEY_MAX, decimals=limits.MONEY_DECIMALS, least=least)


def _currency(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[(code, code) for code in CURRENCIES])


def add_refusal(form: forms.BaseForm, refusal: BallastError) -> None:
    """Show an operation's refusal at the fields it names, or else above the form."""
    called = form.called if isinstance(form, TransactionForm) else str
    named = {
        field: messages
        for name, messages in refusal.fields.items()
        if (field := called(name)) in form.fields
    }
    if len(named) == 1:
        form.add_error(next(iter(named)), refusal.detail)
        return
    for field, messages in named.items():
        form.add_error(field, " ".join(messages).capitalize() + ".")
    if not named:
        form.add_error(None, refusal.detail)


class LoginForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class RegisterForm(forms.Form):
    full_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1024,
        help_text="At least 10 characters; a short sentence is fine.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Name a weak password together with every other fault of the form."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "password" in data:
            known = {name: data.get(name, "") for name in ("email", "full_name")}
            try:
                validate_password(data["password"], user=User(**known))
            except forms.ValidationError as weak:
                self.add_error("password", weak)
        return data


class AccountForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"placeholder": "Joint brokerage", "autocomplete": "off"}),
    )
    type = forms.ChoiceField(label="Type", choices=grouped_kinds())
    currency = _currency("Currency")
    lot_method = forms.ChoiceField(label="Lots sold", choices=[])

    def __init__(self, *args: Any, lot_methods: tuple[str, ...] = ("fifo",), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lot_method"].choices = [  # type: ignore[attr-defined]
            (value, label) for value, label in LotMethod.choices if value in lot_methods
        ]


class TransactionForm(forms.Form):
    """One transaction. `page.js` shows the fields of the chosen type."""

    type = forms.ChoiceField(
        label="Type",
        choices=grouped(),
        widget=forms.Select(attrs={"data-chooser": True}),
    )
    executed_on = forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}))
    symbol = forms.CharField(
        label="Symbol",
        required=False,
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"list": "symbols", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
    quantity = decimal_field(
        "Quantity",
        most=limits.QUANTITY_MAX,
        decimals=limits.QUANTITY_DECIMALS,
        least=positive,
    )
    price = decimal_field(
        "Price per unit",
        most=limits.PRICE_MAX,
        decimals=limits.PRICE_DECIMALS,
        least=not_negative,
    )
    amount = _money("Amount", least=positive)
    cost = _money("Total cost", least=not_negative)
    opened_date = forms.DateField(
        label="Acquired on", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    to_account = forms.ChoiceField(label="To account", required=False)
    new_symbol = forms.CharField(
        label="New symbol",
        required=False,
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"list": "symbols", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
    ratio = forms.CharField(
        label="Ratio of new to old shares",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "2:1"}),
    )
    basis_percentage = decimal_field(
        "Cost basis moved, in percent",
        most=_HUNDRED,
        decimals=8,
        least=not_negative,
    )
    cash = _money("Cash received, if any", least=not_negative)
    fee = _money(
        "Fee",
        least=not_negative,
    )
    settled_amount = _money("Charged or paid in the account's currency", least=not_negative)
    lot_method = forms.ChoiceField(
        label="Lots sold",
        required=False,
        choices=[
            ("", "Account default"),
            *((value, label) for value, label in LotMethod.choices if value != LotMethod.SPECIFIC),
        ],
    )
    note = forms.CharField(label="Note", required=False, max_length=NOTE_LENGTH_MAX)
    # What the person should look at before the figures are recorded.
    warned: Sequence[Warned] = ()
    # A symbol that no asset of the household has.
    unknown_symbol = ""

    def __init__(self, *args: Any, accounts: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        """`accounts`: the other accounts of the household, for transfers."""
        super().__init__(*args, **kwargs)
        self.fields["to_account"].choices = [  # type: ignore[attr-defined]
            ("", "Elsewhere"),
            *accounts,
        ]
        for name in frozenset().union(*(kind.form for kind in KINDS.values())):
            types = [kind.name for kind in KINDS.values() if name in kind.form]
            self.fields[name].only_for = " ".join(types)  # type: ignore[attr-defined]

    def clean_symbol(self) -> str | None:
        return str(self.cleaned_data["symbol"]).strip().upper() or None

    def clean_new_symbol(self) -> str | None:
        return str(self.cleaned_data["new_symbol"]).strip().upper() or None

    def clean_ratio(self) -> Ratio | None:
        text = str(self.cleaned_data["ratio"]).strip()
        try:
            return ratio_of(text) if text else None
        except InvalidInput as refusal:
            raise forms.ValidationError(refusal.detail, code=refusal.code) from refusal

    def figures(self) -> str:
        """Return a digest of the valid figures: warnings about them are shown once."""
        text = "|".join(f"{name}={value}" for name, value in sorted(self.cleaned_data.items()))
        return sha256(text.encode()).hexdigest()[:16]

    def called(self, name: str) -> str:
        """Return the field of this form for a field of the API."""
        kind = KINDS.get(self.cleaned_data.get("type", ""))
        if name == "amount" and kind is not None:
            return next((one for one in _AMOUNTS if one in kind.form), name)
        return "to_account" if name == "to_account_id" else name

    def stated(self, name: str) -> Any:
        """Return a field's value, or None if the kind of transaction does not use the field."""
        return self.cleaned_data[name] if name in KINDS[self.cleaned_data["type"]].form else None

    def entry(self, *, now: datetime) -> Entry:
        """Return the stated entry.

        A transaction of today happens now, one of an earlier day at noon UTC. A corporate action
        happens before the trades of its day.
        """
        data = self.cleaned_data
        kind = KINDS[data["type"]]
        day: date = data["executed_on"]
        happened = time(0) if kind.first_of_day else time(12)
        executed_at = now if day == now.date() else datetime.combine(day, happened, tzinfo=UTC)
        to_account = self.stated("to_account")
        return Entry(
            type=kind.name,
            executed_at=executed_at,
            currency="",
            symbol=data["symbol"],
            quantity=self.stated("quantity"),
            price=self.stated("price"),
            amount=self.stated(self.called("amount")),
            fee=self.stated("fee") or Decimal(0),
            settled_amount=self.stated("settled_amount"),
            lot_method=self.stated("lot_method") or None,
            new_symbol=self.stated("new_symbol"),
            ratio=self.stated("ratio"),
            basis_percentage=self.stated("basis_percentage"),
            opened_date=self.stated("opened_date"),
            to_account_id=UUID(to_account) if to_account else None,
            note=data["note"],
        )


def _rate(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=Decimal(0),
        max_value=_HUNDRED,
        max_digits=6,
        decimal_places=3,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


RATES = (
    "federal_ordinary_rate",
    "federal_long_term_rate",
    "state_rate",
    "net_investment_income_rate",
)


class SettingsForm(forms.Form):
    full_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    base_currency = _currency("Totals in")
    federal_ordinary_rate = _rate("Federal rate on income and short-term gains")
    federal_long_term_rate = _rate("Federal rate on long-term gains")
    state_rate = _rate("State")
    net_investment_income_rate = _rate("Net investment income tax")

    def changes(self) -> dict[str, Any]:
        """Return the profile fields for the operation, rates as fractions."""
        data = dict(self.cleaned_data)
        for name in RATES:
            data[name] = data[name] / _HUNDRED
        return data


def stated(user: User) -> dict[str, object]:
    """Return the initial values of the settings form, rates in percent."""
    rates = {name: (getattr(user, name) * _HUNDRED).normalize() for name in RATES}
    return {
        "full_name": user.full_name,
        "base_currency": user.base_currency,
        **{name: f"{rate:f}" for name, rate in rates.items()},
    }
