"""What people type into the pages, checked for form. What is allowed, the operations decide."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms

from core import limits
from core.errors import BallastError
from core.limits import NAME_LENGTH_MAX, NOTE_LENGTH_MAX, SYMBOL_LENGTH_MAX
from identity.models import User
from transactions.entries import Entry
from transactions.models import AccountType, LotMethod, TransactionType

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "NOK", "DKK", "PHP", "INR")
_TRADES = "buy sell"
_CASH = "deposit withdrawal dividend interest fee"
_HUNDRED = Decimal(100)


def _positive(value: Decimal) -> None:
    if value <= 0:
        raise forms.ValidationError("Must be more than 0.", code="not_positive")


def _not_negative(value: Decimal) -> None:
    if value < 0:
        raise forms.ValidationError("Must not be negative.", code="negative")


def _decimal(
    label: str, *, most: Decimal, decimals: int, least: Callable[[Decimal], None], only_for: str
) -> forms.DecimalField:
    def at_most(value: Decimal) -> None:
        if value > most:
            raise forms.ValidationError(f"Must be at most {most:,f}.", code="too_large")

    field = forms.DecimalField(
        label=label,
        required=False,
        max_digits=40,
        decimal_places=decimals,
        validators=[least, at_most],
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    field.only_for = only_for  # type: ignore[attr-defined]
    return field


def _money(label: str, *, least: Callable[[Decimal], None], only_for: str) -> forms.DecimalField:
    return _decimal(
        label, most=limits.MONEY_MAX, decimals=limits.MONEY_DECIMALS, least=least, only_for=only_for
    )


def _currency(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[(code, code) for code in CURRENCIES])


def add_refusal(form: forms.BaseForm, refusal: BallastError) -> None:
    """Shows an operation's refusal at the fields it names, else above the form."""
    named = [name for name in refusal.fields if name in form.fields]
    if len(named) == 1:
        form.add_error(named[0], refusal.detail)
        return
    for name in named:
        form.add_error(name, " ".join(refusal.fields[name]).capitalize() + ".")
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


class AccountForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"placeholder": "Joint brokerage", "autocomplete": "off"}),
    )
    type = forms.ChoiceField(label="Type", choices=AccountType.choices)
    currency = _currency("Currency")
    lot_method = forms.ChoiceField(label="Sales take", choices=[])

    def __init__(self, *args: Any, lot_methods: tuple[str, ...] = ("fifo",), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lot_method"].choices = [  # type: ignore[attr-defined]
            (value, label) for value, label in LotMethod.choices if value in lot_methods
        ]


class TransactionForm(forms.Form):
    """One transaction. Which fields belong to which type, `page.js` shows as one chooses."""

    type = forms.ChoiceField(
        label="Type",
        choices=TransactionType.choices,
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
    quantity = _decimal(
        "Quantity",
        most=limits.QUANTITY_MAX,
        decimals=limits.QUANTITY_DECIMALS,
        least=_positive,
        only_for=_TRADES,
    )
    price = _decimal(
        "Price per unit",
        most=limits.PRICE_MAX,
        decimals=limits.PRICE_DECIMALS,
        least=_not_negative,
        only_for=_TRADES,
    )
    amount = _money("Amount", least=_positive, only_for=_CASH)
    fee = _money(
        "Fee", least=_not_negative, only_for="buy sell dividend interest deposit withdrawal"
    )
    lot_method = forms.ChoiceField(
        label="Lots taken",
        required=False,
        choices=[
            ("", "As the account is set"),
            *((value, label) for value, label in LotMethod.choices if value != LotMethod.SPECIFIC),
        ],
    )
    note = forms.CharField(label="Note", required=False, max_length=NOTE_LENGTH_MAX)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lot_method"].only_for = "sell"  # type: ignore[attr-defined]
        self.fields["symbol"].only_for = "buy sell dividend"  # type: ignore[attr-defined]

    def clean_symbol(self) -> str | None:
        return str(self.cleaned_data["symbol"]).strip().upper() or None

    def entry(self, *, currency: str, now: datetime) -> Entry:
        """The entry stated; a trade of today happened now, of an earlier day at noon UTC."""
        data = self.cleaned_data
        day: date = data["executed_on"]
        executed_at = now if day == now.date() else datetime.combine(day, time(12), tzinfo=UTC)
        return Entry(
            type=data["type"],
            executed_at=executed_at,
            currency=currency,
            symbol=data["symbol"],
            quantity=data["quantity"],
            price=data["price"],
            amount=data["amount"],
            fee=data["fee"] or Decimal(0),
            lot_method=data["lot_method"] or None,
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
    federal_ordinary_rate = _rate("Federal, income and short-term gains")
    federal_long_term_rate = _rate("Federal, long-term gains")
    state_rate = _rate("State")
    net_investment_income_rate = _rate("Net investment income tax")

    def changes(self) -> dict[str, Any]:
        """The profile fields as the operation takes them: rates as fractions."""
        data = dict(self.cleaned_data)
        for name in RATES:
            data[name] = data[name] / _HUNDRED
        return data


def stated(user: User) -> dict[str, object]:
    """The settings form's first content: rates in percent."""
    rates = {name: (getattr(user, name) * _HUNDRED).normalize() for name in RATES}
    return {
        "full_name": user.full_name,
        "base_currency": user.base_currency,
        **{name: f"{rate:f}" for name, rate in rates.items()},
    }
