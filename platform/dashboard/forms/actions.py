"""The form in which a person proposes a corporate action."""

from decimal import Decimal
from typing import Any

from django import forms

from core import limits
from core.errors import InvalidInput
from core.limits import NOTE_LENGTH_MAX, SYMBOL_LENGTH_MAX
from marketdata.corporate_actions import ACTION_CHOICES, ACTION_KINDS
from transactions.ledger.entries import Ratio, ratio_of


def _symbol(label: str, *, required: bool) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"list": "symbols", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )


def _day(label: str, *, required: bool) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"})
    )


def _price(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_value=limits.PRICE_MAX,
        max_digits=limits.PRICE_DIGITS,
        decimal_places=limits.PRICE_DECIMALS,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class ActionForm(forms.Form):
    """A proposal. It checks the format; the operation decides what is allowed."""

    kind = forms.ChoiceField(
        label="Event", choices=ACTION_CHOICES, widget=forms.Select(attrs={"data-chooser": ""})
    )
    symbol = _symbol("Symbol", required=True)
    ex_date = _day("Ex-day", required=True)
    ratio = forms.CharField(
        label="Ratio of new to old shares",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "2:1"}),
    )
    new_symbol = _symbol("New symbol", required=False)
    basis_percentage = forms.DecimalField(
        label="Cost basis moved, in percent",
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=12,
        decimal_places=8,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    cash_per_share = _price("Cash for each share")
    new_share_value = _price("Value of one new share")
    cash_in_lieu_price = _price("Price of a whole share, paid for a fraction")
    payment_date = _day("Paid on", required=False)
    final = forms.BooleanField(label="The last payment", required=False)
    reference = forms.CharField(label="Announced in", required=False, max_length=NOTE_LENGTH_MAX)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in frozenset().union(*(kind.terms for kind in ACTION_KINDS.values())):
            kinds = [kind.name for kind in ACTION_KINDS.values() if name in kind.terms]
            self.fields[name].only_for = " ".join(kinds)  # type: ignore[attr-defined]

    def clean_symbol(self) -> str:
        return str(self.cleaned_data["symbol"]).strip().upper()

    def clean_new_symbol(self) -> str | None:
        return str(self.cleaned_data["new_symbol"]).strip().upper() or None

    def clean_ratio(self) -> Ratio | None:
        text = str(self.cleaned_data["ratio"]).strip()
        try:
            return ratio_of(text) if text else None
        except InvalidInput as refusal:
            raise forms.ValidationError(refusal.detail, code=refusal.code) from refusal

    def stated(self) -> dict[str, Any]:
        """Return the arguments of the proposal; terms that the kind does not use are left out."""
        data = self.cleaned_data
        kind = ACTION_KINDS[data["kind"]]
        terms = {
            name: data[name]
            for name in kind.terms - {"ratio", "new_symbol"}
            if data[name] not in (None, "", False)
        }
        ratio = data["ratio"] if "ratio" in kind.terms else None
        if ratio is not None:
            terms |= {"ratio_new": ratio.new, "ratio_old": ratio.old}
        return {
            "symbol": data["symbol"],
            "new_symbol": data["new_symbol"] if "new_symbol" in kind.terms else None,
            "reference": data["reference"],
            "terms": {"kind": kind.name, "ex_date": data["ex_date"], **terms},
        }
