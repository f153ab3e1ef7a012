"""The form of one dividend to record: whether, when and how much."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from core import limits
from portfolios.holdings.dividends_due import DueDividend


class DueDividendForm(forms.Form):
    """One row of the list. What is not chosen need not be right."""

    chosen = forms.BooleanField(required=False)
    paid_on = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label="Paid on"
    )
    amount = forms.DecimalField(
        required=False,
        max_digits=limits.MONEY_DIGITS,
        decimal_places=limits.MONEY_DECIMALS,
        min_value=Decimal("0.0001"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, due: DueDividend, symbol: str, as_of: date) -> None:
        one = due.announced
        super().__init__(
            data,
            prefix=f"{symbol}:{one.ex_date}",
            initial={
                "chosen": one.payment_date is not None and one.payment_date <= as_of,
                "paid_on": one.payment_date,
                "amount": due.amount,
            },
        )
        self.due, self.symbol = due, symbol
        words = f"{symbol}, ex-date {one.ex_date}"
        for name, label in (("chosen", "Choose"), ("paid_on", "Paid on"), ("amount", "Amount")):
            self.fields[name].widget.attrs["aria-label"] = f"{label}: {words}"
